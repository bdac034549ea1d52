import type { Commands } from '@readmit/bus';
import { refusal, verifierProblem } from '@readmit/domain';
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
    const attested = facts.last('readmit.people.attested');
    if (!opened || !classified || !attested)
      throw refused(refusal('not-ready', 'R8.1', 'not-ready', 'This case is not classified yet. Try again in a moment.'));
    const { people } = attested.data;
    // Anybody can open a case on anybody: an agent who asked for it himself must not get at her numbers by that.
    const wrong = verifierProblem(
      people.find(({ id }) => id === call.actor?.id),
      opened.data,
      people,
      classified.data.requirements.verifiers,
    );
    if (wrong)
      // Who wanted somebody's numbers and was not given them is on record (R7.1).
      answer(await this.ports.commands.command({ key: caseId, name: 'desk-contact', actor: call.actor?.id ?? 'anonymous' }, () => wrong));
    const { directory } = await this.ports.directory.read(AbortSignal.timeout(10_000));
    return contactDigests(directory, opened.data.subject.id, caseId, this.ports.salt);
  }
}
