import type { Posture } from '../model/instance';
import type { PlatformObject } from '../model/objects';

/** A Kubernetes object or a provisioned one, to look into. */
export type Manifest = PlatformObject & { readonly [field: string]: any };

/** What is wrong at one place of one object. */
export interface Finding {
  readonly object: Manifest;
  /** `spec.template.spec.containers[0].image`. */
  readonly path: string;
  readonly got: string;
  readonly fix: string;
}

/** What a request to the API server must fulfil. */
export interface Validation {
  /** CEL that is true of what is allowed. */
  readonly expression: string;
  /** For the person who is refused: what is wrong, what is allowed, what to do. */
  readonly message: string;
}

/** The part of a rule that CEL can say of one object as the API server stores it. */
export interface RuleAdmission {
  /** Groups to resources, `''` is the core group: `{ '': ['pods'] }`. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
  readonly validations: readonly Validation[];
}

/** One rule: a pure function over all objects of a stack, and what a reviewer has to know of it. */
export interface Rule {
  /** Lower case with hyphens; a contract, since waivers name it. */
  readonly id: string;
  /** What must hold, in one line. */
  readonly title: string;
  /** What happens otherwise. */
  readonly why: string;
  /** Where others ask the same: CIS Kubernetes Benchmark, Pod Security Standards, kube-linter, Kyverno, Kubescape (C-…). */
  readonly sources: readonly string[];
  readonly severity: 'critical' | 'high' | 'medium' | 'low';
  /** Where a finding fails the check; elsewhere it is advice. */
  readonly mandatory: readonly Posture[];
  readonly check: (objects: readonly Manifest[]) => Finding[];
  /** A finding at one object may depend on others. @default false: each object is judged alone */
  readonly together?: boolean;
  /**
   * How the cluster holds people to it in their namespaces, where the rule is mandatory: CEL, of which a policy is made, or in
   * words what says it already. @default it does not: what charts of the catalogs launch would be refused, or no one object tells
   */
  readonly admission?: RuleAdmission | { readonly by: string };
  /** Lists of objects that pass and that fail, each alone. */
  readonly examples: { readonly pass: readonly (readonly Manifest[])[]; readonly fail: readonly (readonly Manifest[])[] };
}

export const everywhere: readonly Posture[] = ['open', 'confidential'];
