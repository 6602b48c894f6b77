import { Construct } from 'constructs';
import { Admission, cel, changesSpec } from './admission';
import type { Platform } from './platform';
import { highestPriorityOfPeople } from './priorities';

/** What people run: pods where the scheduler puts them, Services and volumes of their own only. The rest is said by rules. */
export class UserWorkloads extends Construct {
  constructor(scope: Construct, id: string, { region }: Platform) {
    super(scope, id);
    const writes = ['CREATE', 'UPDATE'] as const;
    const registry = region.internet === 'direct' ? undefined : `${region.internet.registry}/`;

    new Admission(this, 'pods', {
      requests: { operations: writes, resources: { '': ['pods', 'pods/ephemeralcontainers'] } },
      conditions: changesSpec,
      variables: {
        images: ['containers', 'initContainers', 'ephemeralContainers']
          .map((list) => `(has(object.spec.${list}) ? object.spec.${list}.map(each, each.image) : [])`)
          .join(' + '),
      },
      validations: [
        {
          // The scheduler binds later, by another way than an update.
          expression: "request.operation == 'UPDATE' || !has(object.spec.nodeName) || object.spec.nodeName == ''",
          message: 'A pod does not choose its node by name: remove nodeName, the scheduler finds one.',
        },
        {
          expression: `!has(object.spec.priority) || object.spec.priority <= ${highestPriorityOfPeople}`,
          message: 'This priority class is of the platform. Yours are datalab-interactive and datalab-batch, or none: change priorityClassName.',
        },
        {
          expression:
            "!has(object.spec.tolerations) || object.spec.tolerations.all(each, has(each.key) && each.key != '' && !each.key.startsWith('node-role.kubernetes.io/'))",
          message: "A toleration names the key of one taint, and not that of the cluster's own nodes (node-role.kubernetes.io): remove it.",
        },
        {
          expression: '!has(object.spec.resourceClaims)',
          message: 'Devices are asked for by limits such as nvidia.com/gpu, which the quota counts: remove resourceClaims.',
        },
        ...(registry
          ? [{
              expression: `variables.images.all(image, image.startsWith(${cel(registry)}))`,
              message: `Images come from ${registry}: put that in front of the image's name, and ask the platform's operators when an image is not there.`,
            }]
          : []),
      ],
    });
    new Admission(this, 'services', {
      requests: { operations: writes, resources: { '': ['services'] } },
      validations: [{ expression: noDns, message: noDnsMessage }],
    });
    new Admission(this, 'endpoints', {
      requests: { operations: writes, resources: { '': ['endpoints'], 'discovery.k8s.io': ['endpointslices'] } },
      validations: [{
        expression: 'authorizer.group(request.resource.group).resource(request.resource.resource).check(request.operation.lowerAscii()).allowed()',
        message: 'Endpoints written by hand could lead to pods of others: give the Service a selector of your own pods.',
      }],
    });
    new Admission(this, 'claims', {
      requests: { operations: writes, resources: { '': ['persistentvolumeclaims'] } },
      conditions: changesSpec,
      validations: [
        {
          // Those who bind volumes may change them.
          expression:
            "!has(object.spec.volumeName) || (request.operation == 'UPDATE' && has(oldObject.spec.volumeName)) || authorizer.group('').resource('persistentvolumes').check('update').allowed()",
          message: "A claim does not choose its volume, which could be another person's: remove volumeName. To get data of a deleted claim back, ask the platform's operators.",
        },
        {
          expression: "!has(object.spec.selector) && (!has(object.spec.storageClassName) || object.spec.storageClassName != '')",
          message: 'A claim gets a new volume of a storage class: remove selector, and the storageClassName that is empty.',
        },
        {
          expression: '!has(object.spec.dataSourceRef) || !has(object.spec.dataSourceRef.namespace)',
          message: 'A claim copies from its own namespace only: remove dataSourceRef.namespace.',
        },
      ],
    });
  }
}

/** CEL: the object makes no name in DNS. */
export const noDns = "!has(object.metadata.annotations) || object.metadata.annotations.all(key, !key.startsWith('external-dns.alpha.kubernetes.io/'))";
export const noDnsMessage = "Names in DNS are the platform's: remove the annotations external-dns.alpha.kubernetes.io.";
