import type { PlatformObject } from '../constructs/objects';
import type { Posture } from '../model/instance';

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
  /** Lists of objects that pass and that fail, each alone. */
  readonly examples: { readonly pass: readonly (readonly Manifest[])[]; readonly fail: readonly (readonly Manifest[])[] };
}

export const everywhere: readonly Posture[] = ['open', 'confidential'];
