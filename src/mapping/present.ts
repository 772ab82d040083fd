/** The object without members that have no value: FHIR knows no empty lists and no empty texts. A fresh object is changed in place. */
export function present<T extends object>(members: T): T {
  for (const [name, value] of Object.entries(members))
    if (value === undefined || (Array.isArray(value) && value.length === 0)) delete members[name as keyof T];
  return members;
}
