import { compose } from '../../constructs/compose';
import * as pulumi from '@pulumi/pulumi';
import { MockMonitor } from '@pulumi/pulumi/runtime/mocks';
import type { Stack } from '../../model/stack';
import { deploy } from '../../provision/deploy';

/** What the program asks of the engine for one resource. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly provider: string;
  /** As they go to the engine: a secret is an object with the signature of secrets. */
  readonly inputs: any;
  /** URNs. */
  readonly dependsOn: readonly string[];
  /** URNs by input. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly secretOutputs: readonly string[];
  readonly urn: string;
}

/** Runs the program of a stack under Pulumi's mocks; gives what it registers, in that order. */
export async function registrationsOf(stack: Stack, seed: string): Promise<Registration[]> {
  const found: Registration[] = [];
  const real = MockMonitor.prototype.registerResource;
  const spy = jest.spyOn(MockMonitor.prototype, 'registerResource').mockImplementation(async function (this: MockMonitor, request: any, reply: any) {
    await real.call(this, request, (error: any, response: any) => {
      if (response) found.push(registrationOf(request, response.getUrn()));
      reply(error, response);
    });
  });
  try {
    await pulumi.runtime.setMocks(
      { newResource: ({ inputs, name }) => ({ id: `id of ${name}`, state: inputs as Record<string, unknown> }), call: () => ({}) },
      'datalab',
      stack.name,
    );
    pulumi.runtime.setAllConfig({ 'datalab:seed': seed }, ['datalab:seed']);
    await pulumi.runtime.runInPulumiStack(() => Promise.resolve(deploy(compose(stack))));
    // Exported, but not in the types: what is registered after the program's end would be missing without it.
    await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    return found;
  } finally {
    spy.mockRestore();
  }
}

function registrationOf(request: any, urn: string): Registration {
  return {
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    provider: request.getProvider(),
    inputs: request.getObject().toJavaScript(),
    dependsOn: request.getDependenciesList(),
    propertyDependencies: Object.fromEntries(request.getPropertydependenciesMap().toArray().map(([key, urns]: [string, any]) => [key, typeof urns.getUrnsList === 'function' ? urns.getUrnsList() : urns[0]])),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    secretOutputs: request.getAdditionalsecretoutputsList(),
    urn,
  };
}
