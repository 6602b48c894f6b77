import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned } from '../tree';
import { pathsOf } from '../vault-policy';

const policy = (path: string) => provisioned('vault', 'Policy', { name: 'example', policy: `path "${path}" { capabilities = ["read"] }` });

export const vaultPersonPath: Rule = {
  id: 'vault-person-path',
  title: "Vault paths of secrets name their owner: a person's by the identity in the token, a project's by its name",
  why: '`user-*` is the secrets of everybody.',
  sources: ['Vault: templated policies'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachProvisioned('vault', ['Policy'], ({ policy: text }) =>
    pathsOf(text).flatMap(({ path, capabilities }) => {
      const owner = path.split('/').slice(0, 3).join('/');
      const open = /[*+]/.test(owner) || /\/user-(?!\{\{identity\.)/.test(owner);
      return open && capabilities.some((each) => each !== 'deny') ? [{ path: `policy '${path}'`, got: owner, fix: 'name the owner: user-{{identity.entity.aliases.<accessor>.name}}, or the project' }] : [];
    })),
  examples: {
    pass: [[policy('onyxia-kv/data/user-{{identity.entity.aliases.x.name}}/*')], [policy('onyxia-kv/metadata/projet-ape/*')]],
    fail: [[policy('onyxia-kv/data/user-*')], [policy('onyxia-kv/data/*')], [policy('onyxia-kv/metadata/+/settings')]],
  },
};
