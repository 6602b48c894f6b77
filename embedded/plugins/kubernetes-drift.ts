import { isObject, sameValue, type Path, type Values } from './provider-values';

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
 * Fields that the inputs do not name are looked at where applying them would take something away: a subject that somebody
 * added to a role binding, a label in the selector of a policy.
 */
export function driftedInputs(inputs: any, live: any, desired: any): any {
  return drifted(inputs, live, desired, []);
}

function drifted(inputs: any, live: any, desired: any, path: Path): any {
  if (sameValue(live, desired)) return inputs;
  if (isObject(inputs) && isObject(live) && isObject(desired)) {
    const found: Values = {};
    for (const [field, value] of Object.entries(inputs)) {
      const there = drifted(value, live[field], desired[field], [...path, field]);
      if (there !== undefined) found[field] = there;
    }
    // The server's own fields of an object are in its metadata and beside it.
    const inside = path.length > 0 && path[0] !== 'metadata' && inputs !== desired;
    const surplus = inside ? Object.entries(live).filter(([field]) => !(field in desired) && !(field in inputs)) : [];
    return { ...found, ...Object.fromEntries(surplus) };
  }
  if (Array.isArray(inputs) && Array.isArray(live) && Array.isArray(desired)) return driftedList(inputs, live, desired, path);
  return live;
}

function driftedList(inputs: any[], live: any[], desired: any[], path: Path): any[] {
  const key = listKeys.find((fields) => [inputs, live, desired].every((list) => isKeyed(list, fields)));
  if (key) {
    const find = (list: any[], item: any) => list.find((other) => identity(other, key) === identity(item, key));
    const items = inputs.map((item) => drifted(item, find(live, item), find(desired, item), [...path, identity(item, key)]));
    const surplus = live.filter((item) => !find(desired, item) && !find(inputs, item));
    return [...items.filter((item) => item !== undefined), ...surplus];
  }
  if (live.length === inputs.length && desired.length === inputs.length) {
    return inputs.map((item, index) => drifted(item, live[index], desired[index], [...path, index]));
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
