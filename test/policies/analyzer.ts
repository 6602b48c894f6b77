import type { Policies } from '@pulumi/policy';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';

/* eslint-disable @typescript-eslint/no-require-imports -- the library's server and the generated protocol files have no types */
const { makeAnalyzeRpcFun, makeAnalyzeStackRpcFun } = require('@pulumi/policy/server');
const messages = require('@pulumi/pulumi/proto/analyzer_pb');
/* eslint-enable */

/** What the engine tells a policy pack of a resource. */
export interface Shown {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
  readonly protect?: boolean;
  readonly secretOutputs?: readonly string[];
  /** URNs by input. */
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
  /** @default the name */
  readonly urn?: string;
}

export interface Violation {
  readonly policy: string;
  readonly level: 'mandatory' | 'advisory';
  readonly urn: string;
  readonly message: string;
}

/** Asks a pack as the engine does, by the library's own server: for each resource with its inputs, then for the whole stack. */
export async function analyzed(policies: Policies, resources: readonly Shown[]): Promise<Violation[]> {
  const one = makeAnalyzeRpcFun('test', '0.0.0', 'advisory', policies);
  const whole = makeAnalyzeStackRpcFun('test', '0.0.0', 'advisory', policies);
  const violations: Violation[] = [];
  for (const resource of resources) violations.push(...(await call(one, filled(new messages.AnalyzeRequest(), resource), resource.urn ?? resource.name)));
  const request = new messages.AnalyzeStackRequest();
  request.setResourcesList(
    resources.map((resource) => {
      const shown = filled(new messages.AnalyzerResource(), resource);
      for (const [key, urns] of Object.entries(resource.propertyDependencies ?? {})) {
        const list = new messages.AnalyzerPropertyDependencies();
        list.setUrnsList([...urns]);
        shown.getPropertydependenciesMap().set(key, list);
      }
      return shown;
    }),
  );
  return [...violations, ...(await call(whole, request))];
}

function filled(request: any, { type, name, urn = name, inputs, protect = false, secretOutputs = [] }: Shown): any {
  const options = new messages.AnalyzerResourceOptions();
  options.setProtect(protect);
  options.setAdditionalsecretoutputsList([...secretOutputs]);
  request.setType(type);
  request.setName(name);
  request.setUrn(urn);
  request.setProperties(Struct.fromJavaScript(JSON.parse(JSON.stringify(inputs))));
  request.setOptions(options);
  return request;
}

function call(rpc: any, request: any, urn = ''): Promise<Violation[]> {
  return new Promise((resolve, reject) => {
    rpc({ request }, (error: Error | null, response: any) => {
      if (error) return reject(error);
      resolve(
        response.getDiagnosticsList().map((each: any): Violation => ({
          policy: each.getPolicyname(),
          level: each.getEnforcementlevel() === messages.EnforcementLevel.MANDATORY ? 'mandatory' : 'advisory',
          urn: each.getUrn() || urn,
          message: each.getMessage(),
        })),
      );
    });
  });
}
