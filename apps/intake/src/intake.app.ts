import { createEngine } from '@readmit/runtime';
import { uuidv7 } from '@readmit/platform';
import { ConfigurationError, integer, list, matching, serviceApp, signInOf } from '@readmit/service';
import { CasesController } from './inbound/cases.controller.js';
import { intakePorts, type IntakePorts } from './inbound/ports.js';
import { SignalsController } from './inbound/signals.controller.js';
import { withSignals } from './inbound/signal-engine.js';
import { SignalIntake } from './usecases/signal-intake.js';
import { intakeDefinition } from './intake.definition.js';
import { freezeCall } from './outbound/freeze-call.js';
import { Ledger } from './outbound/ledger.js';
import { noticeSettings, openNoticeChannel } from './outbound/notice-channel.js';
import { OpenCases } from './outbound/open-cases.js';
import { repudiationCode } from './outbound/repudiation-code.js';

/** Each provider with the sources that it may use. */
function providersOf(names: readonly string[], pairs: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const providers = new Map(names.map((name) => [name, [] as string[]]));
  const unknown: string[] = [];
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const sources = providers.get(pair.slice(0, at));
    if (sources) sources.push(pair.slice(at + 1).replace(/\/+$/, ''));
    else unknown.push(pair.slice(0, at));
  }
  if (unknown.length > 0)
    throw new ConfigurationError([`READMIT_PROVIDER_SOURCES: provider ${unknown.join(', ')} is not in READMIT_PROVIDERS; add it there.`]);
  return providers;
}

export const intakeApp = serviceApp({
  name: 'intake',
  area: 'intake',
  settings: {
    ...noticeSettings,
    READMIT_PROVIDER_SOURCES: {
      says: 'Sources that a provider’s signals may name, as provider=source separated by commas; a source also stands for what is below it. A provider without one may name any.',
      parse: list(
        matching(
          /^[A-Za-z0-9-]{1,63}=[\x21-\x2b\x2d-\x7e]{1,512}$/,
          'pairs provider=source',
          'demo-idp=https://sso.example.com/realms/acme',
        ),
      ),
      default: [] as readonly string[],
    },
    READMIT_OPEN_PER_SUBJECT: {
      says: 'Cases about one subject that may be open at once; at most half of them requested without a sign-in.',
      parse: integer(1, 1_000_000, 20),
      default: 20,
    },
    READMIT_OPEN_PER_REQUESTER: {
      says: 'Cases that one signed-in person may have requested and that are open at once.',
      parse: integer(1, 1_000_000, 20),
      default: 20,
    },
    READMIT_OPEN_PER_OBJECT: {
      says: 'Cases about one account at a target that may be open at once; at most half of them requested without a sign-in.',
      parse: integer(1, 1_000_000, 10),
      default: 10,
    },
  },
  async build({ settings, store, log, commands, newId, now }) {
    const providers = providersOf(settings.READMIT_PROVIDERS, settings.READMIT_PROVIDER_SOURCES);
    const signals = new SignalIntake({ commands, providers, now, newId: uuidv7 });
    const notices = await openNoticeChannel(settings, { store, log, now });
    const ledger = new Ledger(store);
    const openCases = new OpenCases(store, {
      subject: settings.READMIT_OPEN_PER_SUBJECT,
      requester: settings.READMIT_OPEN_PER_REQUESTER,
      object: settings.READMIT_OPEN_PER_OBJECT,
    });
    const publicUrl = settings.READMIT_PUBLIC_URL;
    const ports: IntakePorts = { commands, ledger, openCases, signals, publicUrl, signIn: signInOf(settings), newId, now };
    return {
      definition: intakeDefinition({
        notices: notices.port,
        ...(notices.save ? { saveNotices: notices.save } : {}),
        codeOf: async (caseId) => {
          const salt = (await ledger.texts([caseId])).get(caseId)?.salt;
          return salt === undefined ? undefined : repudiationCode(salt, caseId);
        },
        freeze: freezeCall(openCases, commands),
      }),
      engine: (options) => withSignals(createEngine(options), { newId: uuidv7, ...options }, { signals, providers }),
      controllers: [CasesController, SignalsController],
      providers: [{ provide: intakePorts, useValue: ports }],
      started: async () => notices.start?.(),
      close: async () => notices.close?.(),
    };
  },
});
