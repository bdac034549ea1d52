/**
 * The order of the spec files. On a new clone jest knows only their sizes, and the longest ones, whose files are short, would come last and
 * run alone for minutes.
 */
import sequencer from '@jest/test-sequencer';

const Sequencer = sequencer.default ?? sequencer;
const longest = [
  'tests/fault/crash-points-kafka.fault.spec.ts',
  'tests/fault/crash-points.fault.spec.ts',
  'tests/journey/kafka.journey.spec.ts',
  'tests/connectors/conformance.int.spec.ts',
  'tests/api/api.journey.spec.ts',
  'tests/journey/real.journey.spec.ts',
  'libs/servers/test/kafka-server.int.spec.ts',
  'tests/journey/cases.journey.spec.ts',
  'tests/journey/tour.journey.spec.ts',
  'libs/bus/test/kafka-outage.int.spec.ts',
  'tests/fault/kill.fault.spec.ts',
  'tests/fault/ctrl-c.fault.spec.ts',
  'tests/fuzz/two-cases.int.spec.ts',
  'tests/keys/rotation.journey.spec.ts',
  'tests/fault/one-process.fault.spec.ts',
];
const place = ({ path }) => longest.findIndex((file) => path.endsWith(file));

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const rest = await super.sort(tests.filter((test) => place(test) < 0));
    return [...tests.filter((test) => place(test) >= 0).sort((a, b) => place(a) - place(b)), ...rest];
  }
}
