import { compose } from '../../constructs/compose';
import { entriesOf, idOf } from '../../constructs/objects';
import { choicesOf } from '../../model/immutable';
import { loadStack, stackNames, type Stack } from '../../model/stack';
import type { Manifest } from '../../policies/rule';
import { diffStack, type Rendered, type StackDiff } from '../../review/diff';

const today = '2026-11-23';

function rendered(stack: Stack, change: Partial<Rendered> = {}): Rendered {
  const { instance, name, region } = stack;
  const objects = entriesOf(compose(stack)).map(({ object }) => object as Manifest);
  return { name, posture: instance.posture, objects, waivers: instance.waivers, approvals: instance.approvals, choices: choicesOf(instance, region), ...change };
}

const stacks = Object.fromEntries(stackNames().map((name) => [name, rendered(loadStack(name))]));
const paris = stacks['ssp-cloud.paris']!;
const insee = stacks['ls3.insee']!;

type Loose = any;

/** A stack in which one object is altered, or taken away where `alter` returns null. */
function altered(base: Rendered, id: string, alter: (object: Loose) => unknown): Rendered {
  expect(base.objects.map(idOf)).toContain(id);
  return { ...base, objects: base.objects.flatMap((object) => {
    if (idOf(object) !== id) return [object];
    const copy = structuredClone(object);
    return alter(copy) === null ? [] : [copy];
  }) };
}

const lines = ({ changes }: StackDiff) => changes.map(({ class: kind, effect, details }) => `${kind} ${effect}: ${details.join('; ')}`);
const pod = (object: Loose) => object.spec.template.spec;
const first = (object: Loose) => pod(object).containers[0];

/** A change to one object, and what a reviewer must be told of it: class, effect, text. */
const told: [string, Rendered, string, (object: Loose) => unknown, string, RegExp][] = [
  // who reaches whom
  ['a port is opened on both sides', insee, 'onyxia/networkpolicy/onyxia-api', (policy) => policy.spec.egress.push({ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }), 'security widens', /onyxia\/onyxia-api → 192\.0\.2\.0\/24 on every port/],
  ['one side alone lets more in', insee, 'postgresql/networkpolicy/postgresql', (policy) => delete policy.spec.ingress[0].from[0].podSelector, 'security widens', /postgresql\/postgresql has a policy that lets in keycloak\/\* TCP\/5432; no connection yet: the policies of keycloak do not let them out to it/],
  ['an exception of the internet goes', paris, 'fence/configmap/fence', (map) => (map.data['fence.json'] = map.data['fence.json'].replace('"172.16.0.0/12",', '')), 'security widens', /namespaces by fence\.fence\.json of fence\/\* → 172\.16\.0\.0\/12 on every port/],
  ['default-deny goes', insee, 'vault/networkpolicy/default-deny', () => null, 'security widens', /vault\/\* → .* on every port/],
  ['a selector is emptied', insee, 'vault/networkpolicy/default-deny', (policy) => (policy.spec.podSelector = { matchLabels: { app: 'none' } }), 'security widens', /vault\/\* → /],
  ['a block of addresses grows', insee, 'projet-ape/networkpolicy/work', (policy) => (policy.spec.egress[1].to[2].ipBlock.cidr = '10.20.0.0/16'), 'security widens', /projet-ape\/\* → 10\.20\.0\.0\/16/],
  ['a block of addresses shrinks', insee, 'projet-ape/networkpolicy/work', (policy) => (policy.spec.egress[1].to[2].ipBlock.cidr = '10.20.30.0/28'), 'security narrows', /no longer: projet-ape\/\* → 10\.20\.30\.0\/24/],
  ['a label takes pods out of their policy', insee, 'vault/statefulset/vault', (set) => (set.spec.template.metadata.labels['app.kubernetes.io/name'] = 'other'), 'security narrows', /no longer: .*vault\/vault/],
  // ways in
  ['a host', paris, 'keycloak/httproute/auth-lab-sspcloud-fr', (route) => route.spec.hostnames.push('*.example.org'), 'security widens', /^security widens: .*\*\.example\.org\/realms\/ and every path below it → keycloak\/keycloak:8080 \(port http\); no login is asked/],
  ['a path', insee, 'onyxia/ingress/ls3-insee-fr', (ingress) => ingress.spec.rules[0].http.paths.push({ path: '/admin', backend: { service: { name: 'onyxia-api' } } }), 'security widens', /ls3\.insee\.fr\/admin and every path below it → onyxia\/onyxia-api/],
  ['a listener for every namespace', paris, 'gateway/gateway/datalab', (gateway) => (gateway.spec.listeners[0].allowedRoutes.namespaces = { from: 'All' }), 'security widens', /is open to routes of every namespace/],
  ['a LoadBalancer', insee, 'minio/service/minio', (service) => (service.spec.type = 'LoadBalancer'), 'security widens', /LoadBalancer minio\/minio/],
  ['an annotation of the proxy', insee, 'minio/ingress/minio-ls3-insee-fr', (ingress) => (ingress.metadata.annotations = { 'haproxy.org/backend-config-snippet': 'http-request allow' }), 'security widens', /is marked haproxy\.org/],
  ['TLS goes', insee, 'minio/ingress/minio-ls3-insee-fr', (ingress) => delete ingress.spec.tls, 'security widens', /without TLS/],
  // rights on the API server
  ['a wildcard verb', paris, '_cluster/clusterrole/datalab-fence', (role) => role.rules.forEach((rule: Loose) => (rule.verbs = ['*'])), 'security widens', /service account fence\/fence: \* networkpolicies\.networking\.k8s\.io in the cluster/],
  ['a wildcard verb gives way to some', paris, '_cluster/clusterrole/datalab-routes', (role) => (role.rules[0].verbs = ['get']), 'security narrows', /no longer: everybody with the ClusterRole edit: create httproutes/],
  ['a subject', insee, 'projet-ape/rolebinding/owner', (binding) => binding.subjects.push({ kind: 'Group', name: 'system:authenticated' }), 'security widens', /group system:authenticated: everything that the ClusterRole admin may in projet-ape/],
  ['names of objects go', paris, '_cluster/clusterrole/datalab-onyxia-onboarding', (role) => delete role.rules.at(-1).resourceNames, 'security widens', /bind clusterroles\.rbac\.authorization\.k8s\.io in the cluster/],
  // buckets
  ['a public bucket', insee, 'minio/s3bucket/projet-ape', (bucket) => (bucket.spec.acl = 'public-read'), 'security widens', /everybody has public-read on projet-ape/],
  ['every action', insee, 'minio/iampolicy/project-ape', (policy) => (policy.spec.policy = policy.spec.policy.replace('"s3:GetObject"', '"s3:*"')), 'security widens', /policy project-ape: s3:\* on projet-ape\/\*/],
  ['a denial goes', insee, 'minio/iampolicy/project-ape', (policy) => (policy.spec.policy = policy.spec.policy.replace('"admin:UpdateServiceAccount"', '"admin:Nothing"')), 'security widens', /no longer: .*denies admin:UpdateServiceAccount/],
  ['versions are not kept', insee, 'minio/s3bucketversioning/projet-ape', (object) => (object.spec.versioningConfiguration.status = 'Suspended'), 'data widens', /keeps no old versions/],
  // Vault
  ['a path is broadened', insee, 'vault/policy/project-ape', (policy) => (policy.spec.policy = policy.spec.policy.replace('data/projet-ape/*', 'data/*')), 'security widens', /policy project-ape: read onyxia-kv\/data\/\*/],
  ['sudo', insee, 'vault/policy/person', (policy) => (policy.spec.policy = policy.spec.policy.replace('"create"', '"sudo", "create"')), 'security widens', /policy person: sudo /],
  ['a comment in a policy', insee, 'vault/policy/person', (policy) => (policy.spec.policy = `# for people\n${policy.spec.policy}`), 'noise neutral', /vault\/policy\/person/],
  ['audiences go', insee, 'vault/authbackendrole/onyxia-user', (role) => delete role.spec.boundAudiences, 'security widens', /no longer: login onyxia-user: is bound by boundAudiences/],
  ['a longer token', insee, 'vault/authbackendrole/onyxia-user', (role) => (role.spec.tokenMaxTtl = 360_000), 'security widens', /tokenMaxTtl: 36000 s → 360000 s/],
  ['an audit log goes', insee, 'vault/audit/file', () => null, 'security widens', /no longer: audit file: Vault writes this audit log/],
  // logins
  ['a redirect URI with *', insee, 'keycloak/client/onyxia', (client) => client.spec.validRedirectUris.push('https://*'), 'security widens', /client onyxia: validRedirectUris https:\/\/\*/],
  ['PKCE goes', insee, 'keycloak/client/onyxia', (client) => delete client.spec.pkceCodeChallengeMethod, 'security widens', /client onyxia: login without PKCE/],
  ['a longer access token', insee, 'keycloak/realm/ls3', (realm) => (realm.spec.accessTokenLifespan = '1h'), 'security widens', /accessTokenLifespan: 5m → 1h/],
  ['a shorter session', insee, 'keycloak/realm/ls3', (realm) => (realm.spec.ssoSessionMaxLifespan = '8h'), 'security narrows', /ssoSessionMaxLifespan: 10h → 8h/],
  ['a guard goes while another one has the same value', { ...insee, objects: insee.objects.map((object) => (object.kind === 'Realm' ? { ...object, spec: { ...object.spec, verifyEmail: true, consentRequired: true } } : object)) }, 'keycloak/realm/ls3', (realm) => delete realm.spec.verifyEmail, 'security widens', /no longer: realm ls3: verifyEmail/],
  ['a field that this diff has never heard of', insee, 'keycloak/realm/ls3', (realm) => (realm.spec.newestSwitch = true), 'security widens', /realm ls3: newestSwitch: true/],
  ['people edit an attribute', insee, 'keycloak/realmuserprofile/profile', (profile) => profile.spec.attributes[0].permissions.edits.push('user'), 'security widens', /user edits username/],
  ['the profile of people goes', insee, 'keycloak/realmuserprofile/profile', () => null, 'security widens', /no longer: realmuserprofile profile: is declared/],
  ['what the API server alters is no longer altered', paris, '_cluster/mutatingadmissionpolicy/datalab-onyxia-onboarding', () => null, 'security widens', /no longer: MutatingAdmissionPolicy datalab-onyxia-onboarding is in force/],
  ['where an administrator logs in', insee, 'keycloak/provider/keycloak', (provider) => (provider.spec.url = 'https://example.org'), 'security widens', /url: .* → https:\/\/example\.org/],
  ['a group gives another policy', insee, 'keycloak/group/ape', (group) => (group.spec.attributes.policy = 'project-fideli'), 'security widens', /members have policy project-fideli/],
  ['an audience', insee, 'keycloak/audienceprotocolmapper/onyxia-minio-audience-minio', (mapper) => (mapper.spec.includedCustomAudience = 'vault'), 'security widens', /mapper audience-minio of onyxia-minio.*vault/],
  // pods
  ['Pod Security is lowered', insee, '_cluster/namespace/projet-ape', (namespace) => (namespace.metadata.labels['pod-security.kubernetes.io/enforce'] = 'privileged'), 'security widens', /projet-ape admits what privileged Pod Security permits/],
  ['a namespace leaves what a rule of the API server covers', insee, '_cluster/namespace/projet-ape', (namespace) => delete namespace.metadata.labels.onyxia_owner, 'security widens', /no longer: datalab-pods holds in projet-ape/],
  ['seccomp goes', insee, 'vault/statefulset/vault', (set) => delete pod(set).securityContext.seccompProfile, 'security widens', /vault\/vault vault makes every system call/],
  ['a directory of the node', insee, 'vault/statefulset/vault', (set) => pod(set).volumes.push({ name: 'host', hostPath: { path: '/' } }), 'security widens', /mounts \/ of its node/],
  ['a token of the API server', insee, 'minio/statefulset/minio', (set) => (pod(set).automountServiceAccountToken = true), 'security widens', /minio\/minio has a token of the API server/],
  ['a capability', insee, 'vault/statefulset/vault', (set) => (first(set).securityContext.capabilities.add = ['IPC_LOCK']), 'security widens', /has the capability IPC_LOCK/],
  ['a field of pods that this diff has never heard of', insee, 'vault/statefulset/vault', (set) => (pod(set).hostUsers = true), 'security widens', /vault\/vault hostUsers: true/],
  ['a secret in the environment', insee, 'onyxia/deployment/onyxia-web', (web) => first(web).env.push({ name: 'X', valueFrom: { secretKeyRef: { name: 'root', key: 'password' } } }), 'security widens', /has the secret root\/password in its environment/],
  ['a command', insee, 'keycloak/statefulset/keycloak', (set) => (first(set).args = ['start-dev']), 'security widens', /keycloak: args: .* → start-dev/],
  ['who signs tokens', insee, 'minio/statefulset/minio', (set) => (first(set).env.find(({ name }: Loose) => name === 'MINIO_IDENTITY_OPENID_CONFIG_URL').value = 'https://example.org'), 'security widens', /MINIO_IDENTITY_OPENID_CONFIG_URL: .* → https:\/\/example\.org/],
  ['a password in the environment is not shown', insee, 'minio/statefulset/minio', (set) => first(set).env.push({ name: 'MY_PASSWORD', value: 'hunter2' }), 'security widens', /MY_PASSWORD: not shown/],
  ['another registry', insee, 'vault/statefulset/vault', (set) => (first(set).image = 'example.org/vault:1'), 'security widens', /runs example\.org\/vault/],
  ['another version', insee, 'vault/statefulset/vault', (set) => (first(set).image = first(set).image.replace(/:[^:]*$/, ':9.9.9')), 'security neutral', /version of .*vault: .* → 9\.9\.9/],
  ['a tag that moves', insee, 'vault/statefulset/vault', (set) => (first(set).image = first(set).image.replace(/:[^:]*$/, ':latest')), 'security widens', /follows a tag that moves/],
  // what refuses, and how much
  ['an admission rule goes', insee, '_cluster/validatingadmissionpolicy/datalab-pods', (policy) => policy.spec.validations.pop(), 'security widens', /no longer: datalab-pods refuses/],
  ['an admission rule says something else', insee, '_cluster/validatingadmissionpolicy/datalab-pods', (policy) => (policy.spec.validations[0].expression = 'true'), 'security widens', /datalab-pods refuses.* → true/],
  ['an admission rule only warns', insee, '_cluster/validatingadmissionpolicybinding/datalab-pods', (binding) => (binding.spec.validationActions = ['Warn']), 'security widens', /datalab-pods is in force/],
  ['a rule that fails open', insee, '_cluster/validatingadmissionpolicy/datalab-pods', (policy) => (policy.spec.failurePolicy = 'Ignore'), 'security widens', /what it looks at/],
  ['a quota is raised', insee, 'projet-ape/resourcequota/onyxia-quota', (quota) => (quota.spec.hard['requests.cpu'] = '17'), 'security widens', /quota of projet-ape: requests\.cpu.*16 → 17/],
  ['a quota goes', insee, 'projet-ape/resourcequota/onyxia-quota', () => null, 'security widens', /requests\.cpu.*16 → no limit/],
  ['what Onyxia permits', insee, 'onyxia/configmap/api', (map) => (map.data.regions = map.data.regions.replace('"allowNamespaceCreation":false', '"allowNamespaceCreation":true')), 'security widens', /allowNamespaceCreation: false → true/],
  ['a configuration', insee, 'vault/configmap/config', (map) => (map.data['vault.hcl'] += '\nui = true\n'), 'security widens', /vault\/config\/vault\.hcl: \+ ui = true/],
  ['a kind that this diff does not know', insee, '_cluster/priorityclass/datalab-batch', (priority) => (priority.value = 2_000_000), 'security widens', /PriorityClass datalab-batch: value/],
  // data
  ['a bucket is deleted', insee, 'minio/s3bucket/projet-ape', () => null, 'data widens', /S3Bucket projet-ape is deleted/],
  ['a StatefulSet is replaced', insee, 'minio/statefulset/minio', (set) => (set.spec.serviceName = 'other'), 'data widens', /StatefulSet minio is replaced: spec\.serviceName/],
  ['protection goes', insee, 'keycloak/realm/ls3', (realm) => delete realm.metadata.annotations['datalab-stacks/stateful'], 'data widens', /Realm ls3 is no longer protected/],
  ['smaller volumes', insee, 'postgresql/statefulset/postgresql', (set) => (set.spec.volumeClaimTemplates[0].spec.resources.requests.storage = '1Gi'), 'data widens', /volumes of .* → 1Gi/],
  ['a definition goes', { ...insee, objects: [...insee.objects, { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things' } }] }, '_cluster/customresourcedefinition/things', () => null, 'data widens', /CustomResourceDefinition things is deleted/],
  // cost and availability
  ['more memory', insee, 'vault/statefulset/vault', (set) => (first(set).resources.requests.memory = '32Gi'), 'cost neutral', /vault\/vault: memory .* → 1?\d\d\.?\d*G/],
  ['another probe', insee, 'vault/statefulset/vault', (set) => (first(set).livenessProbe.periodSeconds = 99), 'availability neutral', /vault\/vault restarts: .*livenessProbe\.periodSeconds/],
  ['fewer replicas', paris, 'onyxia/deployment/onyxia-web', (web) => (web.spec.replicas = 1), 'availability neutral', /onyxia\/onyxia-web: replicas 2 → 1/],
  ['a budget goes', insee, 'vault/poddisruptionbudget/vault', () => null, 'availability neutral', /PodDisruptionBudget vault\/vault is gone/],
];

describe('a change to one object is told', () => {
  test.each(told)('%s', (_name, base, id, alter, kind, text) => {
    const found = diffStack(base, altered(base, id, alter), today);
    expect(lines(found).filter((line) => line.startsWith(kind))).toEqual(expect.arrayContaining([expect.stringMatching(text)]));
    expect(found.changes.flatMap(({ objects }) => objects)).toContain(id);
    expect(JSON.stringify(found.changes)).not.toContain('hunter2');
  });
});

/** What nobody has to look at: no class but the one given, if any. */
const harmless: [string, Rendered, string, (object: Loose) => unknown, string?][] = [
  ['the order of verbs', paris, '_cluster/clusterrole/datalab-fence', (role) => role.rules.forEach((rule: Loose) => rule.verbs.reverse())],
  ['the order of rules', paris, '_cluster/clusterrole/datalab-onyxia-onboarding', (role) => role.rules.reverse()],
  ['two rules for one', paris, '_cluster/clusterrole/datalab-onyxia-onboarding', (role) => role.rules.push(structuredClone(role.rules[0]))],
  ['the order of peers', insee, 'projet-ape/networkpolicy/work', (policy) => policy.spec.egress.forEach((rule: Loose) => rule.to.reverse())],
  ['a rule that another one covers', insee, 'projet-ape/networkpolicy/work', (policy) => policy.spec.egress.push({ to: [{ ipBlock: { cidr: '10.20.30.0/28' } }], ports: [{ port: 443 }] })],
  ['TCP, which is the default', insee, 'postgresql/networkpolicy/postgresql', (policy) => policy.spec.ingress.forEach((rule: Loose) => rule.ports?.forEach((port: Loose) => delete port.protocol))],
  ['the order of variables', insee, 'minio/statefulset/minio', (set) => first(set).env.reverse()],
  ['the order of volumes', insee, 'minio/statefulset/minio', (set) => pod(set).volumes.reverse()],
  ['how a policy of S3 is written', insee, 'minio/iampolicy/person', (policy) => (policy.spec.policy = JSON.stringify(JSON.parse(policy.spec.policy), null, 2))],
  ['the order of statements', insee, 'minio/iampolicy/person', (policy) => { const document = JSON.parse(policy.spec.policy); document.Statement.reverse(); policy.spec.policy = JSON.stringify(document); }],
  ['spaces and comments in a policy of Vault', insee, 'vault/policy/person', (policy) => (policy.spec.policy = policy.spec.policy.replaceAll('{\n', '{\n  # what people may\n  '))],
  ['what a realm is called', insee, 'keycloak/realm/ls3', (realm) => (realm.spec.displayName = 'Another name')],
  ['a label that nothing selects', insee, '_cluster/namespace/vault', (namespace) => (namespace.metadata.labels.team = 'blue')],
  ['an annotation that nothing reads', insee, 'minio/service/minio', (service) => (service.metadata.annotations = { 'example.org/note': 'x' })],
  ['a label of pods that nothing selects', insee, 'minio/statefulset/minio', (set) => (set.spec.template.metadata.labels.team = 'blue'), 'availability'],
  ['a comment in a configuration', insee, 'vault/configmap/config', (map) => (map.data['vault.hcl'] = `# more\n${map.data['vault.hcl']}`)],
  ['titles in a configuration', insee, 'onyxia/configmap/api', (map) => (map.data.catalogs = map.data.catalogs.replace('Services interactifs', 'Services')), 'availability'],
  ['a logo', insee, 'onyxia/configmap/brand', (map) => (map.data['logo.svg'] = '<svg/>'), 'availability'],
  ['how an admission rule is laid out', insee, '_cluster/validatingadmissionpolicy/datalab-pods', (policy) => policy.spec.validations.forEach((each: Loose) => (each.expression = ` ${each.expression}\n`))],
  ['the order of admission rules', insee, '_cluster/validatingadmissionpolicy/datalab-pods', (policy) => policy.spec.validations.reverse()],
  ['the order of what an admission rule looks at', insee, '_cluster/validatingadmissionpolicy/datalab-fence', (policy) => policy.spec.matchConstraints.resourceRules[0].operations.reverse()],
  ['the words of a refusal', insee, '_cluster/validatingadmissionpolicy/datalab-fence', (policy) => (policy.spec.validations[0].message = 'No.')],
  ['a quota in another unit', insee, 'projet-ape/resourcequota/onyxia-quota', (quota) => (quota.spec.hard['requests.memory'] = '49152Mi')],
  ['a probe', insee, 'vault/statefulset/vault', (set) => (first(set).readinessProbe.timeoutSeconds = 9), 'availability'],
];

test.each(harmless)('harmless: %s', (_name, base, id, alter, kind = 'noise') => {
  const { changes } = diffStack(base, altered(base, id, alter), today);
  expect(changes.filter((change) => change.class !== 'noise' && change.class !== kind)).toEqual([]);
  expect(changes.flatMap(({ objects }) => objects)).toContain(id);
});

describe('the whole', () => {
  test.each(Object.entries(stacks))('%s and itself: no change, in another order too', (_name, stack) => {
    const again = { ...stack, objects: structuredClone([...stack.objects]).reverse() };
    const { changes, objects, rules, refused } = diffStack(stack, again, today);
    expect({ changes, objects, rules, refused }).toEqual({ changes: [], objects: { added: 0, removed: 0, changed: 0, same: stack.objects.length }, rules: { fresh: [], mended: [] }, refused: [] });
  });

  test.each(Object.entries(stacks))('%s: every object is told when it is new, and when it goes', (_name, stack) => {
    const ids = stack.objects.map(idOf).sort();
    for (const [diff, count] of [[diffStack(undefined, stack, today), 'added'], [diffStack(stack, undefined, today), 'removed']] as const) {
      expect([...new Set(diff.changes.flatMap(({ objects }) => objects))].sort()).toEqual(ids);
      expect(diff.objects[count]).toBe(ids.length);
    }
  });

  const withProject = (name: string) => {
    const stack = loadStack(name);
    return rendered({ ...stack, instance: { ...stack.instance, projects: [...stack.instance.projects, { name: 'sirene', title: 'Sirene', group: 'SIRENE' }] } });
  };

  test('a project is told in few lines, which name whom it touches; the same in each region has one id', () => {
    const [one, other] = ['ssp-cloud.paris', 'ssp-cloud.local'].map((name) => diffStack(stacks[name], withProject(name), today)) as [StackDiff, StackDiff];
    expect(one.changes.length).toBeGreaterThan(5);
    expect(one.changes.length).toBeLessThanOrEqual(15);
    expect(one.adds).toEqual({ namespaces: ['projet-sirene'], buckets: ['projet-sirene'], hosts: [] });
    expect(one.differs).toHaveLength(one.objects.added + one.objects.removed + one.objects.changed);
    const who = (diff: StackDiff, name: string) => diff.holders.filter((each) => each.name.startsWith(name)).map((each) => each.who).join();
    expect(who(one, 'group SIRENE')).toMatch(/realm sspcloud.*not set here.*the claim policy says project-sirene in tokens of the clients onyxia-minio, onyxia-vault; the claim groups says sirene/);
    expect(who(other, 'group SIRENE')).toContain('no member is named');
    expect(who(one, 'policy project-sirene, on buckets')).toMatch(/^minio\/minio gives it to .* whose claim policy names it, as those of members of the Keycloak group SIRENE do$/);
    expect(who(one, 'group sirene, in Vault')).toMatch(/audience vault whose claim policy names project-sirene, as those of members of the Keycloak group SIRENE do$/);
    expect(who(one, 'group oidc-sirene')).toMatch(/client onyxia-kubernetes.* whose claim groups names sirene, as those of members of the Keycloak group SIRENE do/);
    const data = one.changes.filter(({ class: kind }) => kind === 'data');
    expect(data.map(({ effect, details }) => [effect, details])).toEqual([['neutral', ['new Namespace projet-sirene', 'new S3Bucket projet-sirene', 'secrets in Vault at onyxia-kv/data/projet-sirene/*', 'the new bucket projet-sirene keeps old versions', expect.stringMatching(/^volumes in projet-sirene, up to \d+Gi in all$/)]]]);
    expect(one.blast).toEqual({ namespaces: ['keycloak', 'minio', 'projet-sirene', 'vault'], people: [], projects: ['sirene'] });
    const widens = ({ changes }: StackDiff) => changes.filter(({ effect }) => effect === 'widens').map(({ id }) => id);
    expect(widens(one).filter((id) => widens(other).includes(id)).length).toBeGreaterThanOrEqual(widens(one).length - 1);
    expect(one.totals.after.quotas.cpu! - one.totals.before.quotas.cpu!).toBeCloseTo(60);
    expect(diffStack(stacks['ssp-cloud.paris'], withProject('ssp-cloud.paris'), today)).toEqual(one);
  });

  test('a project that goes: what narrows needs nobody, what is lost does', () => {
    const { changes } = diffStack(withProject('ssp-cloud.paris'), paris, today);
    expect(changes.filter(({ class: kind, effect }) => kind === 'security' && effect === 'widens')).toEqual([]);
    expect(changes.filter(({ effect }) => effect === 'widens').map(({ class: kind }) => kind)).toContain('data');
  });

  test('an id is of the content: one more fact is another id', () => {
    const more = (...uris: string[]) => diffStack(insee, altered(insee, 'keycloak/client/onyxia', (client) => client.spec.validRedirectUris.push(...uris)), today).changes[0]!.id;
    expect(more('https://a.example.org/')).toMatch(/^[0-9a-f]{12}$/);
    expect(more('https://a.example.org/')).toBe(more('https://a.example.org/'));
    expect(more('https://a.example.org/', 'https://b.example.org/')).not.toBe(more('https://a.example.org/'));
  });

  test('rules: findings that are new, and those that are mended', () => {
    const privileged = altered(insee, 'vault/statefulset/vault', (set) => (first(set).securityContext.privileged = true));
    const ids = (findings: StackDiff['rules']['fresh']) => findings.map(({ rule, object }) => `${rule.id} ${object}`);
    expect(ids(diffStack(insee, privileged, today).rules.fresh)).toContain('privileged-container vault/statefulset/vault');
    expect(ids(diffStack(privileged, insee, today).rules.mended)).toContain('privileged-container vault/statefulset/vault');
  });

  test('another posture widens, and waivers are told', () => {
    const { changes } = diffStack(insee, { ...insee, posture: 'open', waivers: insee.waivers.slice(1) }, today);
    expect(changes.map(({ effect, topic }) => [effect, topic])).toEqual([['widens', 'posture'], ['neutral', 'waivers']]);
  });
});

describe('immutable choices', () => {
  const stack = loadStack('ssp-cloud.paris');
  const { instance } = stack;
  const region = instance.regions.paris!;
  const inRegion = (change: object): Stack['instance'] => ({ ...instance, regions: { ...instance.regions, paris: { ...region, ...change } } });
  const refused = (changed: Stack['instance']) => diffStack(paris, { ...paris, choices: choicesOf(changed, 'paris') }, today).refused;

  test.each<[string, Stack['instance'], string[], RegExp]>([
    ['the realm', { ...instance, realm: 'other' }, ['realm'], /export/],
    ['the default storage class', inRegion({ storageClasses: { default: 'other', objects: 'local-xfs' } }), ['regions.paris.storageClasses.database', 'regions.paris.storageClasses.default'], /purge its claims/],
    ['the object store', inRegion({ objectStore: { endpoint: 'https://s3.example.org' } }), ['regions.paris.objectStore.endpoint'], /mirror/],
    ['the seal', inRegion({ vault: { ...region.vault, seal: { kind: 'pgp' } } }), ['regions.paris.vault.seal'], /seal migration/],
    ['the domain', inRegion({ exposure: { ...region.exposure, domain: 'other.example.org' } }), ['regions.paris.exposure.domain'], /both domains/],
    ['the issuer', inRegion({ endpoints: { ...region.endpoints, identity: 'login.lab.sspcloud.fr' } }), ['regions.paris.endpoints.identity'], /logs in again/],
  ])('%s: refused, with the migration', (_name, changed, paths, migration) => {
    const found = refused(changed).filter(({ path }) => paths.includes(path));
    expect(found.map(({ path }) => path)).toEqual(paths);
    expect(found.every(({ got, fix }) => got.includes(' → ') && migration.test(fix))).toBe(true);
    expect(refused(changed).length).toBe(paths.length);
  });

  test('a project with another name and the same group is refused; a new one and one that goes are not', () => {
    const projects = (...all: [string, string][]) => choicesOf({ ...instance, projects: all.map(([name, group]) => ({ name, group, title: 'x' })) }, 'paris');
    const before = { ...paris, choices: projects(['a', 'A'], ['b', 'B']) };
    expect(diffStack(before, { ...paris, choices: projects(['a', 'A'], ['c', 'C']) }, today).refused).toEqual([]);
    expect(diffStack(before, { ...paris, choices: projects(['x', 'A'], ['b', 'B']) }, today).refused).toEqual([expect.objectContaining({ path: 'projects[group A].name', got: 'a → x' })]);
  });

  test.each<[string, string, (object: Loose) => unknown]>([
    ['the name of a bucket', 'minio/s3bucket/projet-ape', (bucket) => (bucket.spec.bucket = 'other')],
    ['the class of a volume', 'minio/statefulset/minio', (set) => (set.spec.volumeClaimTemplates[0].spec.storageClassName = 'other')],
  ])('%s: refused where it stands in an object', (_name, id, alter) => {
    expect(diffStack(insee, altered(insee, id, alter), today).refused).toEqual([expect.objectContaining({ path: expect.stringContaining(id), fix: expect.stringContaining('copy the data') })]);
  });

  test('nothing in the embedded region but what the instance has', () => {
    expect(Object.keys(choicesOf(instance, 'local'))).toEqual(['realm']);
  });
});
