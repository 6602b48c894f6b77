import { Fence } from '../../constructs/fence';
import { fenceOf } from '../../constructs/user-fence';
import { objectsOf, platformWith, yamlOf } from './base';

function fence() {
  const platform = platformWith();
  new Fence(platform, 'fence');
  return { platform, objects: objectsOf(platform) };
}

test('defaults', () => {
  expect(yamlOf(fence().platform)).toMatchSnapshot();
});

test('it writes what a namespace of the tree has, and leaves those alone', () => {
  const { platform, objects } = fence();
  expect(JSON.parse(objects['fence/configmap/fence']!.data['fence.json']).items).toEqual(fenceOf(platform.network));
  expect(objects['fence/deployment/fence']!.spec.template.spec.containers[0].command[2]).toContain('app.kubernetes.io/managed-by!=datalab-stacks');
});

test('its account is confined to namespaces of people, by the name that its pod has', () => {
  const { objects } = fence();
  const { serviceAccountName } = objects['fence/deployment/fence']!.spec.template.spec;
  const { matchConditions, matchConstraints } = objects['_cluster/validatingadmissionpolicy/datalab-keeper']!.spec;
  expect(matchConditions).toEqual([{ name: 'by-the-keeper', expression: `request.userInfo.username == "system:serviceaccount:fence:${serviceAccountName}"` }]);
  expect(matchConstraints.resourceRules).toEqual([expect.objectContaining({ resources: ['*/*'], scope: '*' })]);
});

test('it deletes nothing and reads no Secret', () => {
  const rules: { resources: string[]; verbs: string[] }[] = fence().objects['_cluster/clusterrole/datalab-fence']!.rules;
  expect(rules.flatMap(({ verbs }) => verbs)).not.toContain('delete');
  expect(rules.flatMap(({ resources }) => resources).sort()).toEqual(['fences', 'limitranges', 'namespaces', 'networkpolicies', 'resourcequotas']);
});
