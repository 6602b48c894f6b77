import { setTimeout as sleep } from 'node:timers/promises';
import { pulumiRole } from '../constructs/vault';
import { vaultAudience } from '../constructs/vault-access';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import type { Stack } from '../model/stack';
import { openVault, type OpeningProps, type VaultPod } from '../provision/vault-opening';
import { keysOf } from '../provision/vault-operators';
import { vaultAt } from '../provision/vault-server';
import { knownAddress } from './address';
import { saysReady, type Kube, type KubeObject } from './kube';
import { loopbackOf } from './node/addresses';
import type { TransitSeal } from './seal-vault';
import { readText, type RegionState } from './state';
import { keepInitialised, playedOperators, throwawayOperators } from './vault-operators';

const namespace = 'vault';
const secondsToAnswer = 60;

export interface RegionVaultProps {
  readonly stack: Stack;
  readonly state: RegionState;
  readonly kube: Kube;
  readonly progress: Progress;
  /** What the region's second Vault gives; undefined where operators open it. */
  readonly transit?: TransitSeal;
  /** Who gives shares and the root token. @default the throwaway keys of the region */
  readonly give?: OpeningProps['give'];
}

/** Vault of an embedded region, for who starts it. */
export class RegionVault {
  /** Why it is not open, when that was the reason why something else failed. */
  problem: unknown;
  private opening: Promise<void> | undefined;

  constructor(private readonly props: RegionVaultProps) {}

  /** Opens it when it is there and answers. A deployment may mend one that does not. */
  async openWhenThere(): Promise<void> {
    const pods = (await this.pods(0)) ?? [];
    const deadline = Date.now() + secondsToAnswer * 1000;
    while (pods.length) {
      const answers = await Promise.allSettled(pods.map(({ vault }) => vault('GET', 'sys/seal-status')));
      if (answers.some(({ status }) => status === 'fulfilled')) return this.open();
      if (Date.now() > deadline) return;
      await sleep(300);
    }
  }

  /** Opens it, initialised and with the login of Pulumi. Once for each run of a command. @throws UserError */
  open(): Promise<void> {
    this.opening ??= this.props.progress.step('open Vault', (tell) => this.work(tell));
    this.opening.catch((error: unknown) => {
      this.problem = error;
    });
    return this.opening;
  }

  /** A token that Pulumi logs in with, when Vault is open. */
  readonly jwt = async (): Promise<string> => {
    await this.open();
    return this.token();
  };

  private async work(tell: (detail: string) => void): Promise<void> {
    const { stack, state, transit, progress, give } = this.props;
    if (transit) await this.giveTransitToken(transit);
    const pods = await this.pods(secondsToAnswer);
    if (!pods) {
      throw new UserError(`Vault of ${stack.name} does not run:`, [{ path: 'vault/vault', got: 'no pod with an address', allowed: 'a pod on this computer', fix: 'kubectl -n vault describe pods' }], exitCodes.failed);
    }
    const played = playedOperators(state);
    await openVault({
      stack: stack.name,
      pods,
      threshold: stack.instance.regions[stack.region]!.vault.threshold,
      operators: async () => keysOf(await throwawayOperators(state), state.file('vault', 'operators')),
      keep: (result) => keepInitialised(state, result),
      give: give ?? (async (what) => {
        const secret = await played(what);
        if (secret) progress.note(`Vault: a throwaway key in ${state.file('vault', 'operators')} gave ${what === 'share' ? 'a share' : 'the root token, which is revoked now'}`);
        return secret;
      }),
      jwt: () => this.token(),
      issuer: {
        url: stack.instance.regions[stack.region]!.cluster.serviceAccountIssuer,
        ca: async () => readText(state.file('pki', 'ca.crt'))!,
      },
      tell,
      note: (line) => progress.note(line),
    });
    await this.settled(tell);
  }

  /** Waits until its pods are ready, which lets requests through the gateway. */
  private async settled(tell: (detail: string) => void): Promise<void> {
    const deadline = Date.now() + secondsToAnswer * 1000;
    for (;;) {
      const pods = await this.listed();
      if (pods.every(saysReady) || Date.now() > deadline) return;
      tell('wait until its pods are ready');
      await sleep(200);
    }
  }

  private listed(): Promise<KubeObject[]> {
    return this.props.kube.list('v1', 'Pod', { namespace, labelSelector: 'app.kubernetes.io/name=vault' });
  }

  /** Every pod, when each has its address within so many seconds. */
  private async pods(seconds: number): Promise<VaultPod[] | undefined> {
    const { kube, state } = this.props;
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const server = await kube.get({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { namespace, name: 'vault' } });
      const found = server ? await this.listed() : [];
      const pods = found.flatMap((pod) => {
        const address = loopbackOf(pod.status?.podIP, knownAddress(state)!);
        return address && !pod.metadata.deletionTimestamp ? [{ name: pod.metadata.name, vault: vaultAt(`http://${address}:8200`) }] : [];
      });
      if (server && pods.length === server.spec.replicas) return pods.sort((a, b) => (a.name < b.name ? -1 : 1));
      if (Date.now() >= deadline) return undefined;
      await sleep(200);
    }
  }

  /** Does what an operator does on a real cluster: the Secret with the token for the other Vault. */
  private async giveTransitToken({ token, ca }: TransitSeal): Promise<void> {
    const metadata = { namespace, name: 'transit-seal' };
    await this.props.kube.apply({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData: { token, 'ca.crt': ca } }, { fieldManager: 'datalab-stacks-operator', force: true });
  }

  private async token(): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [vaultAudience], expirationSeconds: 600 } };
    const { status } = await this.props.kube.send<{ status: { token: string } }>('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${pulumiRole}/token`, body);
    return status.token;
  }
}
