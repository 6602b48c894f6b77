const { TestEnvironment } = require('jest-environment-node');

/**
 * Pulumi's runtime leaves a promise behind when the engine ends before an inline program does, as it does after a failed
 * operation: it rejects with this message, in nobody's hands. The operation's own failure is what the tests look at.
 */
const leftBehind = 'Resource monitor is terminating';

module.exports = class Environment extends TestEnvironment {
  handleTestEvent(event, state) {
    if (event.name === 'error' && event.promise && String(event.error?.message).includes(leftBehind)) {
      state.unhandledRejectionErrorByPromiseTarget.get(event.promise)?.delete(event.promise);
    }
  }
};
