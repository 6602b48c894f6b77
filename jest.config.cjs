/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/environment.cjs',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' }, module: { type: 'commonjs' } }] },
  // `npm run test:long` runs those: rotation, kill points, benchmark.
  testPathIgnorePatterns: ['/node_modules/', '/test/long/'],
  modulePathIgnorePatterns: ['<rootDir>/.datalab', '<rootDir>/out'],
  testTimeout: 300_000,
  reporters: ['default', '<rootDir>/test/summary-reporter.cjs'],
  // The embedded regions have one port each for their gateway, so tests that start them take turns.
  maxWorkers: 1,
};
