import { k8s } from 'cdk8s-plus-28';
import { images } from './images';
import { SecretObject, type DerivedSecret } from './secrets';
import type { System } from './system';
import { Workload } from './workload';

export interface PasswordProps {
  readonly realm: string;
  readonly username: string;
  readonly password: DerivedSecret;
  /** That of `bootstrap-admin`. */
  readonly administrator: DerivedSecret;
}

/**
 * A Job that sets a password on the running Keycloak and ends the person's sessions, through Keycloak's own command line.
 * It logs in with the bootstrap administrator's password, or with one that it had before.
 */
export function setPassword(system: System, server: Workload, { realm, username, password, administrator }: PasswordProps): Workload {
  const id = `password-${username}`;
  if (!system.node.tryFindChild('set-password')) {
    new k8s.KubeConfigMap(system, 'set-password', {
      metadata: { name: 'set-password', namespace: system.namespace },
      data: { 'set-password.sh': script },
    });
  }
  const secret = new SecretObject(system, id, system.namespace, {
    password: password.token,
    administrator: [administrator.token, ...administrator.earlierTokens].join(' '),
  });
  const job = new Workload(system, `${id}-${password.version}`, {
    kind: 'Job',
    image: images.keycloak,
    command: ['sh', '/set-password/set-password.sh'],
    env: {
      SERVER: `http://${server.host}:${server.port('http')}`,
      REALM: realm,
      USERNAME: username,
      PASSWORD: secret.key('password'),
      ADMINISTRATOR: secret.keyReadOnce('administrator'),
      // The script starts Java five times: so each start takes less than half the CPU time (1.0 s instead of 2.4 s, measured).
      KC_OPTS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
    },
    configFiles: { '/set-password': { configMap: 'set-password' } },
    scratch: ['/tmp'],
    cpu: '100m',
    memory: '256Mi',
    user: 1000,
  });
  job.connectTo(server, 'http', `sets the password of ${username}`);
  return job;
}

/** May run any number of times. Passwords stand in no argument: other processes could read them there. */
const script = `set -eu
kcadm() { /opt/keycloak/bin/kcadm.sh "$@" --config /tmp/kcadm.config; }
opens() { (export KC_CLI_PASSWORD="$1" && kcadm config credentials --server "$SERVER" --realm master --user bootstrap-admin); }
for administrator in $ADMINISTRATOR none; do
  if [ "$administrator" = none ]; then
    echo 'bootstrap-admin has neither its password nor an earlier one: did someone change or delete it by hand?' >&2
    exit 1
  fi
  if opens "$administrator"; then break; fi
done
id=$(kcadm get users --target-realm "$REALM" --query "username=$USERNAME" --query exact=true --fields id --format csv --noquotes)
printf '{"type":"password","temporary":false,"value":"%s"}' "$PASSWORD" | kcadm update "users/$id/reset-password" --target-realm "$REALM" --no-merge --file -
kcadm create "users/$id/logout" --target-realm "$REALM" --body '{}'
`;
