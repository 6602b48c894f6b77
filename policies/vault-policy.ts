/** One `path` block of a Vault policy. */
export interface VaultPath {
  readonly path: string;
  readonly capabilities: readonly string[];
}

/** The paths of a policy in HCL as we write it: `path "…" { capabilities = ["read"] }`. */
export function pathsOf(policy: string): VaultPath[] {
  const text = policy.replace(/^\s*(#|\/\/).*$/gm, '');
  return [...text.matchAll(/path\s+"([^"]+)"\s*\{([^}]*)\}/g)].map(([, path, body]) => ({
    path: path!,
    capabilities: [...(/capabilities\s*=\s*\[([^\]]*)\]/.exec(body!)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(([, each]) => each!),
  }));
}
