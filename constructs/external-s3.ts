import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import type { Region } from '../model/region';
import { addresses, type Peer } from './network';
import { bucketStatements, policyDocument, subjectIs, type Statement } from './s3-policy';
import type { Bucket, ObjectStore } from './spi';
import { System } from './system';
import type { Workload } from './workload';

/**
 * An S3 service that the site runs (Ceph RGW, a storage appliance). We cannot make buckets and roles there, so each
 * workload's role and what it may do is written into the ConfigMap `s3-roles` for the service's administrators;
 * pods get the same variables and tokens as with MinIO.
 */
export class ExternalS3 extends System implements ObjectStore {
  private readonly settings: NonNullable<Region['objectStore']>;
  private readonly service: Peer;
  private readonly roles = new Map<string, Statement[]>();

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.settings = this.platform.region.objectStore!;
    this.service = addresses('object-store', this.settings.cidrs);
    new ApiObject(this, 'roles', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 's3-roles', namespace: this.namespace },
      data: Lazy.any({ produce: () => Object.fromEntries([...this.roles].sort().map(([role, statements]) => [`${role}.json`, policyDocument(statements)])) }),
    });
  }

  bucket(name: string): Bucket {
    return {
      grantRead: (workload) => this.grant(workload, bucketStatements(name, 'read', subjectIs(workload))),
      grantReadWrite: (workload) => this.grant(workload, bucketStatements(name, 'read-write', subjectIs(workload))),
    };
  }

  private grant(workload: Workload, statements: readonly Statement[]): void {
    const { endpoint, stsEndpoint, audience, rolePrefix, signingRegion } = this.settings;
    const role = `${workload.namespace}-${workload.serviceAccount}`;
    this.roles.set(role, [...(this.roles.get(role) ?? []), ...statements]);
    for (const url of new Set([endpoint, stsEndpoint])) {
      this.platform.network.connect(workload, this.service, Number(new URL(url).port || 443), 'its buckets');
    }
    workload.addEnv('AWS_WEB_IDENTITY_TOKEN_FILE', workload.addToken(audience));
    workload.addEnv('AWS_ROLE_ARN', `${rolePrefix}${role}`);
    workload.addEnv('AWS_ENDPOINT_URL_S3', endpoint);
    workload.addEnv('AWS_ENDPOINT_URL_STS', stsEndpoint);
    workload.addEnv('AWS_DEFAULT_REGION', signingRegion);
  }
}
