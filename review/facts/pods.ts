import { idOf } from '../../constructs/objects';
import { ownerLabel } from '../../constructs/onyxia-names';
import type { Manifest } from '../../policies/rule';
import { podsIn } from '../../policies/tree';
import { leavesOf } from '../canonical';
import { hidden, isSecret, list, type Fact } from './fact';

const levels = ['privileged', 'baseline', 'restricted'];

/** What pods may do beyond Pod Security `restricted`, what they are told, what code they run, and what their namespace would admit. */
export function podFacts(objects: readonly Manifest[]): Fact[] {
  const accounts = new Map(objects.filter(({ kind }) => kind === 'ServiceAccount').map((object) => [`${object.metadata.namespace}/${object.metadata.name}`, object]));
  return [...objects.flatMap(namespaceFacts), ...podsIn(objects).flatMap((pods) => factsOfPod(pods.object, pods.spec, accounts))];
}

function namespaceFacts(object: Manifest): Fact[] {
  if (object.kind !== 'Namespace') return [];
  const { name, labels = {} } = object.metadata;
  const level = labels['pod-security.kubernetes.io/enforce'] ?? 'privileged';
  const version = labels['pod-security.kubernetes.io/enforce-version'];
  return [
    ...levels.slice(Math.max(0, levels.indexOf(level)), 2).map((each): Fact => ({ topic: 'pods', sense: 'permits', text: `${name} admits what ${each} Pod Security permits`, subjects: [name, `Pod Security ${each}`], object: idOf(object) })),
    ...['warn', 'audit'].filter((mode) => labels[`pod-security.kubernetes.io/${mode}`]).map((mode): Fact => ({ topic: 'guard', sense: 'guards', text: `${name}: Pod Security ${mode}`, value: labels[`pod-security.kubernetes.io/${mode}`]!, subjects: [`Pod Security ${mode} in ${name}`, name], within: idOf(object), object: idOf(object) })),
    ...(labels[ownerLabel] ? [{ topic: 'rbac', sense: 'sets', text: `${name}: owner`, value: labels[ownerLabel], subjects: [name], within: idOf(object), object: idOf(object) } as const] : []),
    ...(version && version !== 'latest' ? [{ topic: 'pods', sense: 'sets', text: `${name}: version of Pod Security`, value: version, subjects: [name], within: idOf(object), object: idOf(object) } as const] : []),
  ];
}

/** Fields that say nothing of security, or that have facts of their own. */
const knownOfPods = /^(containers|initContainers|ephemeralContainers|volumes|tolerations|nodeSelector|affinity|topologySpreadConstraints|priorityClassName|priority|preemptionPolicy|terminationGracePeriodSeconds|restartPolicy|dnsPolicy|enableServiceLinks|schedulerName|activeDeadlineSeconds|hostname|subdomain|overhead|readinessGates|serviceAccount|automountServiceAccountToken|hostNetwork|hostPID|hostIPC|securityContext\.(runAsNonRoot|runAsUser|seccompProfile|fsGroupChangePolicy))(\.|\[|$)/;
const knownOfContainers = /^(name|image|imagePullPolicy|command|args|env|envFrom|ports|resources|livenessProbe|readinessProbe|startupProbe|volumeMounts|terminationMessage(Path|Policy)|workingDir|tty|stdin|stdinOnce|restartPolicy|securityContext\.(privileged|allowPrivilegeEscalation|readOnlyRootFilesystem|runAsNonRoot|runAsUser|seccompProfile|capabilities|procMount))(\.|\[|$)/;

function factsOfPod(object: Manifest, spec: any, accounts: ReadonlyMap<string, Manifest>): Fact[] {
  const { namespace = '', name } = object.metadata;
  const id = idOf(object);
  const own = `${namespace}/${name}`;
  const fact = (text: string, rest: Partial<Fact> = {}): Fact => ({ topic: 'pods', sense: 'permits', text: `${own} ${text}`, subjects: [own, text], object: id, ...rest });
  const account = accounts.get(`${namespace}/${spec.serviceAccountName ?? 'default'}`);
  const automount = spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field]).map((field) => fact(`has ${field}`)),
    ...(/^system-/.test(spec.priorityClassName ?? '') ? [fact(`has the priority ${spec.priorityClassName}, before everything else in the cluster`)] : []),
    ...(automount === false ? [] : [fact('has a token of the API server')]),
    ...list(spec.volumes).flatMap((volume) => volumeFacts(volume, fact, id)),
    ...list(spec.tolerations).map((toleration) => fact(`tolerates ${toleration.key ?? 'every taint'} ${toleration.operator === 'Exists' || !toleration.value ? '' : toleration.value} ${toleration.effect ?? 'of every effect'}`.replaceAll(/\s+/g, ' '))),
    ...Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => fact(`runs only on nodes with ${key} ${String(value)}`, { sense: 'guards', within: id })),
    ...leavesOf(spec, '', (path) => knownOfPods.test(path)).filter(([path, value]) => path !== 'shareProcessNamespace' || value === 'true').map(([path, value]) => fact(path, { sense: 'sets', value, ...(/^(serviceAccountName|securityContext|imagePullSecrets|runtimeClassName)/.test(path) ? { within: id } : {}) })),
    ...['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) => list(spec[field]).flatMap((container) => containerFacts(container, spec, fact, id))),
  ];
}

type Make = (text: string, rest?: Partial<Fact>) => Fact;

function volumeFacts({ name, ...volume }: any, fact: Make, id: string): Fact[] {
  const secret = (which: string) => fact(`mounts the secret ${which}`, { topic: 'secrets' });
  return Object.entries<any>(volume).flatMap(([type, of]) => {
    switch (type) {
      case 'emptyDir': case 'configMap': case 'downwardAPI': return [];
      case 'secret': return [secret(of.secretName)];
      case 'hostPath': return [fact(`mounts ${of.path} of its node`)];
      case 'projected': return list(of.sources).flatMap(({ serviceAccountToken: token, secret: projected, ...rest }) => [
        ...(token ? [fact(`has a token for ${token.audience ?? 'the API server'}`), fact(`token for ${token.audience ?? 'the API server'}: seconds`, { topic: 'limit', amount: token.expirationSeconds ?? 3600, value: String(token.expirationSeconds ?? 3600), within: id })] : []),
        ...(projected ? [secret(projected.name)] : []),
        ...(rest.clusterTrustBundle ? [fact('trusts a bundle of the cluster', { sense: 'tells' })] : []),
      ]);
      default: return [fact(`mounts the ${type} ${of?.claimName ?? leavesOf(of).map(([path, value]) => `${path} ${value}`).join(', ')} as ${name}`)];
    }
  });
}

function containerFacts(container: any, pod: any, fact: Make, id: string): Fact[] {
  const { name, image = '', securityContext: security = {}, capabilities = security.capabilities ?? {} } = container;
  const of = (field: string) => security[field] ?? pod.securityContext?.[field];
  const when = (condition: unknown, text: string) => (condition ? [fact(`${name} ${text}`)] : []);
  return [
    ...when(security.privileged, 'is privileged'),
    ...when(security.allowPrivilegeEscalation !== false, 'may gain rights'),
    ...when(security.readOnlyRootFilesystem !== true, 'may change its own files'),
    ...when(of('runAsNonRoot') !== true || of('runAsUser') === 0, 'may run as root'),
    ...(of('runAsUser') === undefined ? [] : [fact(`${name}: user`, { sense: 'sets', value: String(of('runAsUser')), within: id })]),
    ...when(!['RuntimeDefault', 'Localhost'].includes(of('seccompProfile')?.type), 'makes every system call'),
    ...(of('seccompProfile')?.type === 'Localhost' ? [fact(`${name}: seccomp profile`, { sense: 'sets', value: String(of('seccompProfile').localhostProfile), within: id })] : []),
    ...when(!list(capabilities.drop).includes('ALL'), `keeps default capabilities${list(capabilities.drop).length ? ` without ${list(capabilities.drop).sort().join(' ')}` : ''}`),
    ...list(capabilities.add).flatMap((each) => when(true, `has the capability ${each}`)),
    ...when(security.procMount && security.procMount !== 'Default', 'sees all of /proc'),
    ...list(container.ports).flatMap(({ hostPort }) => when(hostPort, `takes port ${hostPort} of its node`)),
    ...list(container.volumeMounts).flatMap(({ mountPath, mountPropagation, name: volume }) => [
      ...when(mountPropagation && mountPropagation !== 'None', `shares mounts below ${mountPath} with its node (${mountPropagation})`),
      ...(mayWrite(container, pod, volume, mountPath) ? when(true, `may write to ${mountPath}, which is more than its own`) : []),
    ]),
    ...Object.keys(container.resources?.limits ?? {}).map((each) => fact(`${name} has a limit of ${each}`, { topic: 'limit', sense: 'guards', within: id })),
    ...list(container.env).flatMap((variable) => environmentFacts(name, variable, fact, id)),
    ...list(container.envFrom).flatMap(({ secretRef, configMapRef, prefix = '' }) => [
      ...(secretRef ? [fact(`${name} has all of the secret ${secretRef.name} in its environment`, { topic: 'secrets' })] : []),
      ...(configMapRef ? [fact(`${name}: environment ${prefix}from ${configMapRef.name}`, { topic: 'config', sense: 'sets', value: 'all', within: id })] : []),
    ]),
    ...['command', 'args'].filter((field) => container[field]).map((field) => fact(`${name}: ${field}`, { topic: 'config', sense: 'sets', value: list(container[field]).join(' '), within: id })),
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((probe) => probeFacts(name, container[probe], (text) => fact(text, { topic: 'config', within: id }))),
    ...list(container.volumeMounts).flatMap(({ mountPath, name: volume, subPath }) => {
      const found = list(pod.volumes).find((each) => each.name === volume);
      const source = found?.configMap?.name ?? (!found || found.persistentVolumeClaim ? `the claim ${found?.persistentVolumeClaim.claimName ?? volume}` : undefined);
      return source ? [fact(`${name}: ${mountPath}`, { topic: 'config', sense: 'sets', value: `${source}${subPath ? `/${subPath}` : ''}`, within: id })] : [];
    }),
    ...leavesOf(container, '', (path) => knownOfContainers.test(path)).map(([path, value]) => fact(`${name}: ${path}`, { sense: 'sets', value, ...(path.startsWith('securityContext') ? { within: id } : {}) })),
    ...imageFacts(name, String(image), fact),
  ];
}

/** What a probe runs in its container, and whom the kubelet asks for it. */
function probeFacts(container: string, probe: any, fact: (text: string) => Fact): Fact[] {
  const host = probe?.httpGet?.host ?? probe?.tcpSocket?.host;
  return [
    ...(probe?.exec ? [fact(`${container} is probed by ${list(probe.exec.command).join(' ')}`)] : []),
    ...(host ? [fact(`${container} is probed at ${host}`)] : []),
  ];
}

/** Whether a mount is a directory that other pods, or the node, have too. */
function mayWrite(container: any, pod: any, volume: string, mountPath: string): boolean {
  const found = list(pod.volumes).find(({ name }) => name === volume);
  const own = !found || ['emptyDir', 'configMap', 'secret', 'projected', 'downwardAPI'].some((type) => found[type]);
  return !own && list(container.volumeMounts).some((mount) => mount.mountPath === mountPath && !mount.readOnly);
}

/** Variables that say how something looks, or how fast it is; any other may say who gets in. */
const harmless = /SHA256|TITLE|LOGO|PALETTE|_TEXT|DESCRIPTION|FAVICON|LANGUAGE|^LANG$|^LC_|LOG_?LEVEL|VERBOSITY|^TZ$|COLOU?R|FONT|HEAP|THREADS|WORKERS|HEADER_LINKS|HEADER_HIDE/i;

function environmentFacts(container: string, { name, value, valueFrom }: any, fact: Make, id: string): Fact[] {
  if (valueFrom?.secretKeyRef) return [fact(`${container} has the secret ${valueFrom.secretKeyRef.name}/${valueFrom.secretKeyRef.key} in its environment`, { topic: 'secrets' })];
  if (harmless.test(name)) return [];
  const text = valueFrom ? leavesOf(valueFrom).map((leaf) => leaf.join(' ')).join(', ') : String(value ?? '');
  return [fact(`${container}: ${name}`, { topic: 'config', sense: 'sets', value: isSecret(name) && !valueFrom ? hidden(text) : text, within: id })];
}

/** The repository, which is where code comes from, apart from its version. */
function imageFacts(container: string, image: string, fact: Make): Fact[] {
  const [tagged = '', digest] = image.split('@') as [string, string?];
  const repository = tagged.replace(/:[^/:]*$/, '');
  const tag = tagged.slice(repository.length + 1);
  const make = (text: string, rest: Partial<Fact> = {}) => fact(`${container} ${text}`, { topic: 'image', ...rest });
  return [
    make(`runs ${repository}`),
    make(`version of ${repository}`, { sense: 'tells', value: [tag, digest].filter(Boolean).join('@') || 'none' }),
    ...(digest ? [] : [make('runs what the registry says its tag names')]),
    ...(digest || /\d/.test(tag) ? [] : [make('follows a tag that moves')]),
  ];
}
