import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { closed, directoryType, Id, Text } from '@readmit/contracts';
import { Type, type Static } from 'typebox';
import type { SignedDirectory } from '../directory/directory.js';
import type { Mailbox } from '../mailbox.js';
import { Refusal } from '../refusal.js';
import { homePage, mailboxPage } from './pages.js';

const LetterBody = closed({ id: Type.Optional(Id), to: Id, about: Text, text: Type.String({ minLength: 1, maxLength: 4000 }) });

/** The signed directory and the mailbox. */
export function deskRoutes(
  app: FastifyInstance,
  options: {
    readonly directory: SignedDirectory;
    readonly issuedAt: () => Date;
    readonly mailbox: Mailbox;
    readonly clock: () => Date;
    readonly check: (header: string | undefined, scope: string) => Promise<string>;
  },
): void {
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(homePage()));

  app.get('/demo/directory', async (_request, reply) =>
    reply.type(`application/${directoryType}`).send(await options.directory.sign(options.issuedAt())),
  );

  app.post<{ Body: Static<typeof LetterBody> }>('/demo/mailbox', { schema: { body: LetterBody } }, async (request, reply) => {
    await options.check(request.headers.authorization, 'mailbox:write');
    const { to, about, text } = request.body;
    const addresses = addressesOf(options.directory.seed, to);
    if (!addresses) throw new Refusal(404, 'person-not-found', 'no person has this id');
    const id = request.body.id ?? `letter-${randomUUID()}`;
    const kept = await options.mailbox.deliver({ id, at: options.clock().toISOString(), to, addresses, about, text });
    return reply.code(kept === 'new' ? 201 : 200).send({ id, addresses: addresses.length });
  });

  app.get('/demo/mailbox', (request, reply) => {
    const letters = options.mailbox.letters();
    if ((request.headers.accept ?? '').includes('text/html')) return reply.type('text/html; charset=utf-8').send(mailboxPage(letters));
    return reply.send({ letters });
  });
}

/** Every address on record of the person; of a machine, those of the people of the team that owns it. Undefined: nobody has the id. */
function addressesOf({ people, machines }: SignedDirectory['seed'], to: string): readonly string[] | undefined {
  const machine = machines.find(({ id }) => id === to);
  const told = people.filter(({ id, teams }) => id === to || (machine && teams.includes(machine.ownerTeam)));
  if (!machine && told.length === 0) return undefined;
  return told.flatMap(({ contacts }) => contacts.map(({ kind, value }) => `${kind} ${value}`));
}
