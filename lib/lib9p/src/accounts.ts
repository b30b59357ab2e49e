/** Users and groups by number, for the dialects that have numbers. */
export interface Accounts {
  uid(name: string): number;
  gid(name: string): number;
  user(uid: number): string;
  group(gid: number): string;
}

const nobody = 65534;
const numberOf = (name: string): number => (/^\d{1,9}$/.test(name) ? Number(name) : nobody);

/** Where nothing is known of the system's: a number is its own name, any other name nobody. */
export const noAccounts: Accounts = { uid: numberOf, gid: numberOf, user: String, group: String };
