/** What a DBA does at a target while cases are open, with the current names of roles. */
export type Kind = 'role' | 'secret';
export type Act = string;
type Sql = (nameOf: (first: string) => string | undefined, quoted: (name: string) => string, count: number) => string | undefined;

const until = "VALID UNTIL '2033-07-02 03:04:05.678901+00'";
/** Statements about one or two roles, if they still exist. */
const on =
  (first: string, sqlFor: (name: string, count: number) => string): Sql =>
  (nameOf, quoted, count) => {
    const name = nameOf(first);
    return name === undefined ? undefined : sqlFor(quoted(name), count);
  };
const pair =
  (sqlFor: (role: string, login: string) => string): Sql =>
  (nameOf, quoted) => {
    const [role, login] = [nameOf('app_admin'), nameOf('erin')];
    return role === undefined || login === undefined ? undefined : sqlFor(quoted(role), quoted(login));
  };
/** Renames it, and back at the next call. */
const renamed =
  (first: string): Sql =>
  (nameOf, quoted) => {
    const name = nameOf(first);
    return name === undefined ? undefined : `ALTER ROLE ${quoted(name)} RENAME TO ${name === first ? `${first}_old` : first}`;
  };

export const actsOf: Readonly<Record<Kind, Readonly<Record<Act, Sql>>>> = {
  role: {
    grant: pair((role, login) => `GRANT ${role} TO ${login}`),
    revoke: pair((role, login) => `REVOKE ${role} FROM ${login}`),
    'revoke-of-executor': pair((role, login) => `REVOKE ${role} FROM ${login} GRANTED BY readmit_exec`),
    'rename-login': renamed('erin'),
    'rename-role': renamed('app_admin'),
    'replace-login': on(
      'erin',
      (name, count) => `ALTER ROLE ${name} RENAME TO erin_${count}; CREATE ROLE erin LOGIN; GRANT app_admin TO erin`,
    ),
    'replace-role': on(
      'app_admin',
      (name, count) =>
        `ALTER ROLE ${name} RENAME TO app_admin_${count}; CREATE ROLE app_admin; GRANT app_admin TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`,
    ),
    'drop-login': on('erin', (name) => `DROP ROLE ${name}`),
    'drop-role': on('app_admin', (name) => `DROP OWNED BY ${name}; DROP ROLE ${name}`),
    until: on('erin', (name) => `ALTER ROLE ${name} ${until}`),
    member: on('erin', (name) => `GRANT ${name} TO kim`),
  },
  secret: {
    'until-old': on('payroll_a', (name) => `ALTER ROLE ${name} ${until}`),
    'close-old': on('payroll_a', (name) => `ALTER ROLE ${name} NOLOGIN`),
    'open-old': on('payroll_a', (name) => `ALTER ROLE ${name} LOGIN`),
    'rename-old': renamed('payroll_a'),
    'drop-old': on('payroll_a', (name) => `DROP ROLE ${name}`),
    'make-new': () => 'CREATE ROLE payroll_b LOGIN; GRANT payroll TO payroll_b',
    'until-new': () => `ALTER ROLE payroll_b ${until}`,
    'rename-new': () => 'ALTER ROLE payroll_b RENAME TO payroll_b_old',
    'rename-new-back': () => 'ALTER ROLE payroll_b_old RENAME TO payroll_b',
    'drop-new': () => 'DROP ROLE payroll_b',
    'comment-new': () => "COMMENT ON ROLE payroll_b IS 'managed by the DBA'",
  },
};
