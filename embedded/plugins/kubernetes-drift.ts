import { isObject, sameValue, type Values } from './provider-values';

/** Fields that tell the elements of a list apart, as Kubernetes merges lists by them. */
const listKeys = [
  ['name'],
  ['key'],
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
  ['mountPath'],
  ['devicePath'],
  ['topologyKey', 'whenUnsatisfiable'],
  ['ip'],
  ['type'],
];

/**
 * The inputs as they would have to read to give the object that is there now. `desired` is what the server would make
 * of the inputs, so defaults and spellings ("1000m" for "1") are the same on both sides and only real drift is left.
 * Fields that the inputs do not name are not looked at.
 */
export function driftedInputs(inputs: any, live: any, desired: any): any {
  if (sameValue(live, desired)) return inputs;
  if (isObject(inputs) && isObject(live) && isObject(desired)) {
    const drifted: Values = {};
    for (const [field, value] of Object.entries(inputs)) {
      const found = driftedInputs(value, live[field], desired[field]);
      if (found !== undefined) drifted[field] = found;
    }
    return drifted;
  }
  if (Array.isArray(inputs) && Array.isArray(live) && Array.isArray(desired)) return driftedList(inputs, live, desired);
  return live;
}

function driftedList(inputs: any[], live: any[], desired: any[]): any[] {
  const key = listKeys.find((fields) => [inputs, live, desired].every((list) => isKeyed(list, fields)));
  if (key) {
    const find = (list: any[], item: any) => list.find((other) => identity(other, key) === identity(item, key));
    const items = inputs.map((item) => driftedInputs(item, find(live, item), find(desired, item)));
    // Elements that our inputs would remove: of a list that is taken as a whole, such as the subjects of a role binding.
    const added = live.filter((item) => !find(desired, item));
    return [...items.filter((item) => item !== undefined), ...added];
  }
  if (live.length === inputs.length && desired.length === inputs.length) {
    return inputs.map((item, index) => driftedInputs(item, live[index], desired[index]));
  }
  return live;
}

/** Whether the fields tell all elements apart; the second field of a key may be left to its default. */
function isKeyed(list: any[], fields: string[]): boolean {
  if (!list.every((item) => isObject(item) && item[fields[0]!] !== undefined)) return false;
  return new Set(list.map((item) => identity(item, fields))).size === list.length;
}

function identity(item: Values, fields: string[]): string {
  const protocol = fields[1] === 'protocol' ? 'TCP' : '';
  return fields.map((field) => item[field] ?? protocol).join('/');
}
