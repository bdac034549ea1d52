import { engineCrypto } from '@readmit/signing';
import type { Commands } from '@readmit/runtime';
import {
  agentKeys,
  attestedOf,
  contactDigests,
  contactRefusal,
  masked,
  notClassified,
  showContact,
  type DirectoryReading,
  type Facts,
} from '@readmit/domain';
import { answer, refused, Serves, unavailable, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import { partiesOf } from '../classification.definition.js';
import type { CaseDirectory } from '../outbound/case-directory.js';

export interface ClassificationPorts {
  readonly commands: Commands;
  readonly directory: CaseDirectory;
  readonly salt: string;
  readonly now: () => Date;
}
export const classificationPorts = Symbol('ClassificationPorts');

const anonymous = 'anonymous';

@Controller()
export class ContactsController {
  constructor(@Inject(classificationPorts) private readonly ports: ClassificationPorts) {}

  /** Only for those who may collect evidence for this case: a list of contacts is worth an attack. */
  @Serves('deskContact')
  async contacts(call: Call<'deskContact'>): Promise<AnswerOf<'deskContact'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? anonymous;
    const facts = await this.ports.commands.facts(caseId);
    const opened = openedIn(facts);
    const snapshot = await this.snapshot(opened, actor);
    const wrong = contactRefusal(actor, facts, snapshot.directory);
    if (wrong)
      // A refused request for someone's contacts is recorded (R7.1).
      answer(await this.ports.commands.command({ key: caseId, name: 'desk-contact', actor }, () => wrong));
    return contactDigests(snapshot.directory, opened.data.subject.id, caseId, this.ports.salt, engineCrypto).map(
      ({ kind, value, digest }) => ({
        kind,
        value: masked(kind, value),
        digest,
      }),
    );
  }

  @Serves('showContact')
  async show(call: Call<'showContact'>): Promise<AnswerOf<'showContact'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? anonymous;
    const opened = openedIn(await this.ports.commands.facts(caseId));
    const snapshot = await this.snapshot(opened, actor);
    const points = contactDigests(snapshot.directory, opened.data.subject.id, caseId, this.ports.salt, engineCrypto);
    const command = showContact(actor, call.body.digest, points, (facts) => contactRefusal(actor, facts, snapshot.directory));
    const about = { key: caseId, alsoKeys: agentKeys(actor, this.ports.now()), name: 'show-contact', actor };
    return answer(await this.ports.commands.command(about, command));
  }

  private async snapshot(opened: ReturnType<typeof openedIn>, actor: string): Promise<DirectoryReading> {
    try {
      return await this.ports.directory.read({ parties: partiesOf(opened.data), others: [actor] }, AbortSignal.timeout(10_000));
    } catch (error) {
      throw unavailable('directory-unavailable', 'The directory is unavailable; operators can see why. Try again later.', error, 10);
    }
  }
}

function openedIn(facts: Facts) {
  const opened = facts.first('readmit.case.opened');
  if (!opened || !facts.has('readmit.case.classified') || !attestedOf(facts)) throw refused(notClassified);
  return opened;
}
