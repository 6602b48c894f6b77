import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { UserError } from '../model/errors';
import type { CustomResourceDefinition } from '../model/stack';
import { stateful } from './system';
import { provisionedGroup } from './tokens';

/** Groups that every API server has; each other one comes from a CustomResourceDefinition. */
const builtIn = new Set([
  '', 'apps', 'batch', 'policy', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'networking.k8s.io',
  'node.k8s.io', 'rbac.authorization.k8s.io', 'scheduling.k8s.io', 'storage.k8s.io',
]);

/** The CustomResourceDefinitions that the instance's folder holds; deleting one would delete all its resources. */
export class Crds extends Construct {
  constructor(scope: Construct, id: string, definitions: readonly CustomResourceDefinition[]) {
    super(scope, id);
    for (const { metadata, ...definition } of definitions) {
      new ApiObject(this, metadata.name, { ...definition, metadata: { ...metadata, annotations: { ...metadata.annotations, ...stateful } } });
    }
  }
}

/** `<group>/<kind>` of an object whose kind comes from a CustomResourceDefinition, else undefined. */
export function customKind({ apiVersion, kind }: { apiVersion: string; kind: string }): string | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return builtIn.has(group) || group === provisionedGroup ? undefined : `${group}/${kind}`;
}

/** @throws UserError that lists the kinds without a definition. */
export function requireDefinitions(kinds: ReadonlySet<string>, definitions: readonly CustomResourceDefinition[], folder: string): void {
  const defined = new Set(definitions.map(({ spec }) => `${spec.group}/${spec.names.kind}`));
  const missing = [...kinds].filter((kind) => !defined.has(kind)).sort();
  if (missing.length === 0) return;
  throw new UserError(
    'The region installs CustomResourceDefinitions, and these are not there:',
    missing.map((kind) => ({
      path: kind,
      got: 'no definition',
      allowed: `the publisher's CustomResourceDefinition as a YAML file in ${folder}`,
      fix: "add the file, or write crds: 'present' when the cluster has it",
    })),
  );
}
