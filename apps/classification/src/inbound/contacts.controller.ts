import type { Commands } from '@readmit/bus';
import { refusal } from '@readmit/domain';
import { answer, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import { contactDigests, type DirectoryPort } from '../outbound/directory.js';

export interface ClassificationPorts {
  readonly commands: Commands;
  readonly directory: DirectoryPort;
  readonly salt: string;
}
export const classificationPorts = Symbol('ClassificationPorts');

@Controller()
export class ContactsController {
  constructor(@Inject(classificationPorts) private readonly ports: ClassificationPorts) {}

  /** Only for those who may collect evidence of this case: a contact list is what an attacker at the desk would like to have. */
  @Serves('deskContact')
  async contacts(call: Call<'deskContact'>): Promise<AnswerOf<'deskContact'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    const person = facts.last('readmit.people.attested')?.data.people.find((candidate) => candidate.id === call.actor?.id);
    if (!opened || !classified)
      throw refused(refusal('not-ready', 'R8.1', 'not-ready', 'This case is not classified yet. Try again in a moment.'));
    const verifiers = classified.data.requirements.verifiers;
    if (!person || person.employment === 'vendor' || !verifiers.some((team) => person.teams.includes(team)))
      answer(
        // Who wanted somebody's numbers and was not given them is on record (R7.1).
        await this.ports.commands.command({ key: caseId, name: 'desk-contact', actor: call.actor?.id ?? 'anonymous' }, () =>
          refusal('forbidden', 'R4.2', 'not-a-verifier', `Contact points of this case are shown to ${verifiers.join(', ')}.`),
        ),
      );
    const { directory } = await this.ports.directory.read(AbortSignal.timeout(10_000));
    return contactDigests(directory, opened.data.subject.id, caseId, this.ports.salt);
  }
}
