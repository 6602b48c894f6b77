import { Postgresql } from '../../constructs/postgresql';
import { System } from '../../constructs/system';
import { appIn, entryOf, objectsOf, platformWith, yamlOf } from './base';

function granted() {
  const platform = platformWith();
  const database = new Postgresql(platform, 'postgresql');
  const web = appIn(platform);
  const connection = database.database('web').grantOwner(web);
  return { platform, database, web, connection, objects: objectsOf(platform) };
}

test('defaults', () => {
  const platform = platformWith();
  new Postgresql(platform, 'postgresql');
  expect(yamlOf(platform, 'postgresql')).toMatchSnapshot();
});

test('it holds data: its namespace and its StatefulSet are protected', () => {
  const { platform } = granted();
  expect(entryOf(platform, '_cluster/namespace/postgresql').stateful).toBe(true);
  expect(entryOf(platform, 'postgresql/statefulset/postgresql').stateful).toBe(true);
});

test('its volume has the class for databases', () => {
  const platform = platformWith({ storageClasses: { default: 'block', database: 'fast' } });
  new Postgresql(platform, 'postgresql');
  const [claim] = objectsOf(platform)['postgresql/statefulset/postgresql']!.spec.volumeClaimTemplates;
  expect(claim.spec).toMatchObject({ storageClassName: 'fast', accessModes: ['ReadWriteOnce'] });
});

describe('a grant', () => {
  test('tells where the database is and how to log in', () => {
    expect(granted().connection).toEqual({
      host: 'postgresql.postgresql.svc.cluster.local',
      port: 5432,
      database: 'web',
      user: 'web',
      password: { secretName: 'database', key: 'password', labels: ['web/database@v1'] },
    });
  });

  test('makes a role of its own with one password on both sides', () => {
    const { objects } = granted();
    expect(objects['app/secret/database']!.stringData).toEqual({ password: '${secret:web/database@v1}' });
    expect(objects['postgresql/secret/role-web']!.stringData).toEqual({ password: '${secret:web/database@v1}' });
    expect(objects['postgresql/secret/superuser']!.stringData).toEqual({ password: '${secret:postgresql/superuser@v1}' });
  });

  test('runs a job that makes role and database, named with the version of the password', () => {
    const { objects } = granted();
    const [container] = objects['postgresql/job/database-web-v1']!.spec.template.spec.containers;
    expect(container.command).toContain('--set=name=web');
    expect(container.env).toContainEqual({ name: 'ROLE_PASSWORD', valueFrom: { secretKeyRef: { name: 'role-web', key: 'password' } } });
    const sql: string = objects['postgresql/configmap/database-web']!.data['database.sql'];
    expect(sql).toContain('NOSUPERUSER NOCREATEDB NOCREATEROLE');
    expect(sql).toContain('REVOKE ALL ON DATABASE :"name" FROM PUBLIC');
  });

  test('comes after the server, and before its owner', () => {
    const { platform } = granted();
    expect(entryOf(platform, 'postgresql/job/database-web-v1').after).toContain('postgresql/statefulset/postgresql');
    expect(entryOf(platform, 'app/deployment/web').after).toEqual(expect.arrayContaining(['postgresql/statefulset/postgresql', 'postgresql/job/database-web-v1']));
  });

  test('opens the port to its owner and its job, on both sides, and to nobody else', () => {
    const { objects } = granted();
    const port = [{ port: 5432, protocol: 'TCP' }];
    const pods = (namespace: string, name: string) => [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        podSelector: { matchLabels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': namespace } },
      },
    ];
    expect(objects['postgresql/networkpolicy/postgresql']!.spec).toMatchObject({
      ingress: [{ from: pods('app', 'web'), ports: port }, { from: pods('postgresql', 'database-web-v1'), ports: port }],
      egress: [],
    });
    const out = { to: pods('postgresql', 'postgresql'), ports: port };
    expect(objects['app/networkpolicy/web']!.spec.egress).toContainEqual(out);
    expect(objects['postgresql/networkpolicy/database-web-v1']!.spec.egress).toContainEqual(out);
  });

  test('fails: a second owner of a database', () => {
    const { platform, database, web } = granted();
    const other = appIn(platform, {}, 'other', new System(platform, 'other'));
    const shared = database.database('shared');
    shared.grantOwner(other);
    expect(() => shared.grantOwner(web)).toThrow("database 'shared' has an owner already: other/other");
  });

  test('fails: a second owner who asks for the database anew', () => {
    const { platform, database } = granted();
    const other = appIn(platform, {}, 'other', new System(platform, 'other'));
    expect(() => database.database('web').grantOwner(other)).toThrow("database 'web' has an owner already: app/web");
  });
});

describe('a rotation', () => {
  const rotated = (versions: Record<string, number>) => {
    const platform = platformWith({}, undefined, undefined, { epoch: 1, versions });
    const web = appIn(platform);
    web.addEnv('PASSWORD', new Postgresql(platform, 'postgresql').database('web').grantOwner(web).password);
    return { platform, objects: objectsOf(platform) };
  };
  const server = 'postgresql/statefulset/postgresql';

  test("of a database's password runs the job of the new version, then gives it to the owner and restarts that, not the server", () => {
    const { platform, objects } = rotated({ 'web/database': 2 });
    expect(objects['postgresql/job/database-web-v1']).toBeUndefined();
    expect(entryOf(platform, 'app/secret/database').after).toContain('postgresql/job/database-web-v2');
    expect(entryOf(platform, 'app/deployment/web').after).toContain('app/secret/database');
    expect(objects['app/deployment/web']!.spec.template.metadata.annotations).toEqual({ 'datalab-stacks/secrets': 'web/database@v2' });
    expect(objects[server]).toEqual(granted().objects[server]);
  });

  test("of the superuser's password tells the server with the one before, restarts nothing, and comes before the other jobs", () => {
    const { platform, objects } = rotated({ 'postgresql/superuser': 3 });
    const earlier = '${secret:postgresql/superuser@v2} ${secret:postgresql/superuser@v1}';
    expect(objects['postgresql/secret/superuser-earlier']!.stringData).toEqual({ passwords: earlier });
    expect(entryOf(platform, 'postgresql/job/superuser-v3').after).toContain(server);
    expect(entryOf(platform, 'postgresql/job/database-web-v1').after).toContain('postgresql/job/superuser-v3');
    const { objects: before } = rotated({});
    for (const id of [server, 'postgresql/job/database-web-v1', 'app/deployment/web']) expect(objects[id]).toEqual(before[id]);
  });

  test('is not there before the first', () => {
    expect(Object.keys(rotated({}).objects).filter((id) => id.includes('superuser'))).toEqual(['postgresql/secret/superuser']);
  });
});
