/** One jest, in ESM mode, for the whole repository: swc compiles the sources, `@readmit/*` resolves to sources. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tests'],
  testMatch: ['**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/libs/.*/dist', '<rootDir>/.nx'],
  moduleNameMapper: {
    '^@readmit/(bus|connectors|contracts|domain|platform|runtime|servers|service|signing|store|testing)$': '<rootDir>/libs/$1/src/index.ts',
    '^@readmit/(intake|classification|approval|execution|revocation-scheduler|audit|standalone|cli|demo)$':
      '<rootDir>/apps/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  globalSetup: '<rootDir>/tools/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/tools/jest/global-teardown.mjs',
  testSequencer: '<rootDir>/tools/jest/longest-first.mjs',
  // More than the cores of a small machine, because many specs mostly wait for brokers and processes.
  maxWorkers: 3,
  // Only ends what would never end, also on a machine that is busy with other work.
  testTimeout: 600_000,
};
