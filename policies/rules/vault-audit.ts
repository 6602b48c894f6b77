import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { isProvisioned } from '../tree';

const audit = (name: string, kind = 'Audit') => ({ ...provisioned('vault', kind, { type: 'file' }), metadata: { name, namespace: 'vault' } });

export const vaultAudit: Rule = {
  id: 'vault-audit',
  title: 'Vault writes its audit log to two devices',
  why: 'Without one nobody knows who read what; with one alone Vault stops when its disk is full.',
  sources: ['Vault production hardening: enable audit devices'],
  severity: 'high',
  mandatory: everywhere,
  together: true,
  check: (objects) => {
    const provider = objects.find((each) => isProvisioned(each, 'vault'));
    const devices = objects.filter((each) => isProvisioned(each, 'vault') && each.kind === 'Audit').length;
    return provider && devices < 2 ? [{ object: provider, path: 'kind', got: `${devices} audit devices`, fix: 'add a file and the standard output' }] : [];
  },
  examples: { pass: [[], [audit('file'), audit('stdout')]], fail: [[audit('file')], [audit('person', 'Policy')]] },
};
