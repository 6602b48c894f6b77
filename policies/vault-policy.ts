/** One `path` block of a Vault policy. */
export interface VaultPath {
  readonly path: string;
  readonly capabilities: readonly string[];
}

/** The paths of a policy in HCL or JSON, without its comments. */
export function pathsOf(policy: string): VaultPath[] {
  if (/^\s*\{/.test(policy)) return inJson(policy);
  const text = policy.replace(/("(?:[^"\\\n]|\\.)*")|\/\*[\s\S]*?\*\/|(?:#|\/\/)[^\n]*/g, (_all, quoted?: string) => quoted ?? '');
  return [...text.matchAll(/path\s+"([^"]+)"\s*\{([^}]*)\}/g)].map(([, path, body]) => ({
    path: path!,
    capabilities: [/capabilities\s*=\s*\[([^\]]*)\]/.exec(body!)?.[1] ?? '', /policy\s*=\s*("[^"]*")/.exec(body!)?.[1] ?? ''].flatMap((list) => [...list.matchAll(/"([^"]+)"/g)].map(([, each]) => each!)),
  }));
}

/** `{"path": {"…": {"capabilities": ["read"]}}}`; what cannot be read has every right. */
function inJson(policy: string): VaultPath[] {
  try {
    const { path = {} } = JSON.parse(policy) as { path?: Record<string, { capabilities?: string[]; policy?: string }> };
    return Object.entries(path).map(([name, { capabilities = [], policy: old }]) => ({ path: name, capabilities: [...capabilities, ...(old ? [old] : [])] }));
  } catch {
    return [{ path: '*', capabilities: ['sudo'] }];
  }
}
