import { setTimeout as sleep } from 'node:timers/promises';
import { pulumiRole } from '../constructs/vault';
import { vaultAudience, workloadsMount } from '../constructs/vault-access';
import { exitCodes, UserError } from '../model/errors';
import type { OperatorKey } from './vault-operators';
import { pulumiPolicy } from './vault-policy';
import { ask, reasonOf, VaultError, type Vault } from './vault-server';

/** A pod of Vault. */
export interface VaultPod {
  readonly name: string;
  readonly vault: Vault;
}

/** Something that only one operator can read: PGP, in base64. */
export interface Encrypted {
  readonly operator: string;
  readonly encrypted: string;
}

/** What a Vault says once in its life. */
export interface Initialised {
  /** Of the key that opens it; with a transit seal, of the key that makes a new root token. */
  readonly shares: readonly Encrypted[];
  readonly rootToken: Encrypted;
}

export interface OpeningProps {
  /** `ssp-cloud.paris`. */
  readonly stack: string;
  readonly pods: readonly VaultPod[];
  readonly threshold: number;
  /** Called when there is none yet. */
  readonly operators: () => Promise<readonly OperatorKey[]>;
  /** Keeps or prints what only operators can read, before anything else happens. */
  readonly keep: (result: Initialised) => void;
  /** The next share, or the root token, that an operator gives; undefined when nobody gives more. */
  readonly give: (what: 'share' | 'root token') => Promise<string | undefined>;
  /** A token of the service account `vault/pulumi` for the audience `vault`. */
  readonly jwt: () => Promise<string>;
  /** Who signs service-account tokens, and PEM of the authority of its certificate. */
  readonly issuer: { readonly url: string; readonly ca: () => Promise<string> };
  /** What it does right now, and lines that stay. */
  readonly tell: (detail: string) => void;
  readonly note: (line: string) => void;
  /** For a pod to answer, to join, or to open itself. @default 60 */
  readonly secondsToWait?: number;
}

interface SealStatus {
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** `shamir`: operators open it; else it opens itself. */
  readonly type: string;
  readonly t: number;
  readonly progress: number;
}

/**
 * Brings a Vault to where Pulumi can log in, from wherever it is: initialised with the operators' public keys, open, with the
 * role of Pulumi, without a root token. Running it again continues or changes nothing.
 * @throws UserError that says what is missing: how many shares, the root token, a pod that answers.
 */
export async function openVault(props: OpeningProps): Promise<void> {
  const pods = await answering(props);
  const states = await Promise.all(pods.map(({ vault }) => statusOf(vault)));
  if (!states.some(({ initialized }) => initialized)) await initialise(pods[0]!, states[0]!, props);
  const { vault } = await unseal(pods, props);
  await active(vault, props);
  if ((await refusal(vault, props)) === undefined) return;
  await bootstrap(vault, props);
}

/** The pods that answer. @throws UserError when none does in time */
async function answering({ stack, pods, tell, note, secondsToWait = 60 }: OpeningProps): Promise<VaultPod[]> {
  const deadline = Date.now() + secondsToWait * 1000;
  for (;;) {
    const answers = await Promise.allSettled(pods.map(({ vault }) => statusOf(vault)));
    const found = pods.filter((_, index) => answers[index]!.status === 'fulfilled');
    if (found.length === pods.length) return found;
    const silent = pods.flatMap(({ name }, index) => {
      const answer = answers[index]!;
      return answer.status === 'rejected' ? [{ name, why: (answer.reason as Error).message }] : [];
    });
    if (Date.now() > deadline) {
      for (const { name, why } of silent) note(`${name} does not answer: ${why}`);
      if (found.length) return found;
      throw new UserError(`Vault of ${stack} does not answer:`, silent.map(({ name, why }) => ({
        path: `vault/${name}`, got: why, allowed: 'a pod that runs', fix: `see why it does not: kubectl -n vault describe pod ${name}`,
      })), exitCodes.failed);
    }
    tell(`wait for ${silent.map(({ name }) => name).join(', ')}`);
    await sleep(300);
  }
}

async function statusOf(vault: Vault): Promise<SealStatus> {
  return (await ask(vault, 'GET', 'sys/seal-status')) as SealStatus;
}

/** Everything secret that comes back is encrypted to operators. */
async function initialise({ name, vault }: VaultPod, { type }: SealStatus, { operators, threshold, keep, tell }: OpeningProps): Promise<void> {
  const keys = await operators();
  tell(`initialise ${name} for ${keys.length} operators`);
  const kind = type === 'shamir' ? 'secret' : 'recovery';
  const pgp = keys.map(({ base64 }) => base64);
  const answer = await ask(vault, 'PUT', 'sys/init', {
    body: {
      [`${kind}_shares`]: keys.length,
      [`${kind}_threshold`]: threshold,
      [kind === 'secret' ? 'pgp_keys' : 'recovery_pgp_keys']: pgp,
      root_token_pgp_key: pgp[0],
    },
  });
  const shares = answer[kind === 'secret' ? 'keys_base64' : 'recovery_keys_base64'] as string[];
  keep({
    shares: shares.map((encrypted, index) => ({ operator: keys[index]!.operator, encrypted })),
    rootToken: { operator: keys[0]!.operator, encrypted: answer.root_token as string },
  });
}

/** Opens every pod: with the shares that operators give, or by waiting where it opens itself. Returns one of them. */
async function unseal(pods: readonly VaultPod[], props: OpeningProps): Promise<VaultPod> {
  const { tell, give, secondsToWait = 60 } = props;
  const shares: string[] = [];
  const given = new Map<VaultPod, number>();
  const deadline = Date.now() + secondsToWait * 1000;
  for (;;) {
    const states = await Promise.all(pods.map(async (pod) => ({ pod, ...(await statusOf(pod.vault)) })));
    const sealed = states.filter((state) => state.sealed);
    if (!sealed.length) return pods[0]!;
    const ready = sealed.filter(({ initialized, type }) => initialized && type === 'shamir');
    const behind = ready.filter(({ pod }) => (given.get(pod) ?? 0) < shares.length);
    for (const { pod } of behind) {
      const count = given.get(pod) ?? 0;
      await giveShare(pod, shares[count]!, props);
      given.set(pod, count + 1);
    }
    if (behind.length) continue;
    // A pod that could not join its cluster yet has forgotten its shares.
    const forgetful = ready.filter(({ progress }) => progress === 0 && shares.length >= props.threshold);
    for (const { pod } of forgetful) given.set(pod, 0);
    if (forgetful.length && Date.now() < deadline) {
      await sleep(500);
      continue;
    }
    if (!ready.length) {
      // It joins its cluster, or another Vault opens it.
      if (Date.now() > deadline) throw closed(sealed[0]!, props);
      tell(`wait until ${sealed.map(({ pod }) => pod.name).join(', ')} ${sealed[0]!.initialized ? 'opens itself' : 'has joined'}`);
      await sleep(300);
      continue;
    }
    const share = await give('share');
    if (share === undefined) throw closed(ready[0]!, props);
    shares.push(share);
  }
}

async function giveShare({ name, vault }: VaultPod, key: string, { stack, threshold, note }: OpeningProps): Promise<void> {
  try {
    const { sealed, progress, t } = (await ask(vault, 'PUT', 'sys/unseal', { body: { key } })) as SealStatus;
    note(`vault/${name}: ${sealed ? `sealed, ${progress} of ${t} shares` : 'open'}`);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new UserError('Vault refuses a share, or the shares do not belong together:', [{
      path: `vault/${name}`,
      got: error.message,
      allowed: `${threshold} different shares of this Vault, as its operators decrypted them`,
      fix: `check that they are of ${stack}; then run \`datalab unseal ${stack}\` with all ${threshold} again: it counts from 0 of ${threshold}`,
    }], exitCodes.failed);
  }
}

function closed({ pod, initialized, type, progress, t }: SealStatus & { pod: VaultPod }, { stack, threshold }: OpeningProps): UserError {
  const count = `${progress} of ${t || threshold}`;
  if (type === 'shamir') {
    return new UserError(`Vault is sealed: ${count}, run \`datalab unseal ${stack}\``, [{
      path: `vault/${pod.name}`,
      got: initialized ? `sealed: ${count} operators have given their share` : 'sealed: it has not joined the others',
      allowed: 'an open Vault',
      fix: `run \`datalab unseal ${stack}\` with the shares of ${threshold} operators, then the same command again: it continues`,
    }], exitCodes.failed);
  }
  return new UserError('Vault is sealed: the Vault that opens it does not answer, or refuses.', [{
    path: `vault/${pod.name}`,
    got: `sealed (${type})`,
    allowed: 'it opens itself when the other Vault is open and its token is valid',
    fix: `read the log of ${pod.name}; look at the other Vault and at the Secret vault/transit-seal`,
  }], exitCodes.failed);
}

/** Waits until one of the pods leads. */
async function active(vault: Vault, { stack, tell, secondsToWait = 60 }: OpeningProps): Promise<void> {
  const deadline = Date.now() + secondsToWait * 1000;
  for (;;) {
    const { leader_address: leader } = (await ask(vault, 'GET', 'sys/leader')) as { leader_address: string };
    if (leader) return;
    if (Date.now() > deadline) {
      throw new UserError(`Vault of ${stack} is open, but has no leader:`, [{
        path: 'vault', got: 'no pod leads', allowed: 'more than half of its pods open and in touch', fix: 'open the others too; read their logs',
      }], exitCodes.failed);
    }
    tell('wait for a leader');
    await sleep(200);
  }
}

/** Why Pulumi cannot log in; undefined when it can. */
async function refusal(vault: Vault, { jwt }: OpeningProps): Promise<string | undefined> {
  const answer = await vault('POST', `auth/${workloadsMount}/login`, { body: { role: pulumiRole, jwt: await jwt() } });
  if (answer.status !== 200) return reasonOf(answer);
  await vault('POST', 'auth/token/revoke-self', { token: answer.body.auth.client_token as string });
  return undefined;
}

/** Writes the login of Pulumi with the root token, tries it, and gives the root token back. */
async function bootstrap(vault: Vault, props: OpeningProps): Promise<void> {
  const { stack, give, issuer, tell } = props;
  const token = await give('root token');
  if (token === undefined) {
    throw new UserError(`Vault of ${stack} is open, but Pulumi cannot log in yet:`, [{
      path: 'vault', got: 'no root token', allowed: 'the root token, once: the command writes the login of Pulumi with it and revokes it',
      fix: `decrypt the root token that was printed when Vault was initialised, and give it to \`datalab unseal ${stack}\`; if it is lost, operators make another: docs/operations.md`,
    }], exitCodes.failed);
  }
  tell('write the login of Pulumi');
  try {
    const mounts = (await ask(vault, 'GET', 'sys/auth', { token })) as Record<string, unknown>;
    if (!mounts[`${workloadsMount}/`]) {
      await ask(vault, 'POST', `sys/auth/${workloadsMount}`, { token, body: { type: 'jwt', description: "Workloads, by the cluster's service-account tokens" } });
    }
    await ask(vault, 'POST', `auth/${workloadsMount}/config`, { token, body: { oidc_discovery_url: issuer.url, oidc_discovery_ca_pem: await issuer.ca(), bound_issuer: issuer.url } });
    await ask(vault, 'PUT', `sys/policies/acl/${pulumiRole}`, { token, body: { policy: pulumiPolicy } });
    await ask(vault, 'POST', `auth/${workloadsMount}/role/${pulumiRole}`, {
      token,
      body: {
        role_type: 'jwt',
        bound_audiences: [vaultAudience],
        bound_subject: `system:serviceaccount:vault:${pulumiRole}`,
        user_claim: 'sub',
        token_policies: [pulumiRole],
        token_ttl: '30m',
        token_max_ttl: '2h',
      },
    });
    const why = await refusal(vault, props);
    if (why) throw new VaultError(0, `Pulumi still cannot log in: ${why}`);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new UserError(`The login of Pulumi cannot be written to Vault of ${stack}:`, [{
      path: 'vault', got: error.message, allowed: "a root token that is valid, and a Vault that reaches the cluster's issuer", fix: `mend the cause and run \`datalab unseal ${stack}\` again; the root token was not revoked`,
    }], exitCodes.failed);
  }
  await ask(vault, 'POST', 'auth/token/revoke-self', { token });
}
