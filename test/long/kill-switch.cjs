/**
 * Preloaded into ./datalab by the test of kill points. Ends the command with SIGKILL, and its engine at once unless the point says
 * that the engine lives on, when one of the points in the file KILL_POINTS is reached: an operation on one resource, in one of these moments:
 *   asked  the engine has asked for it and written that down; nothing was sent to the server
 *   sent   the server has done the first thing it was asked for; the plugin does not know yet
 *   done   the server has done all of it; the engine does not know yet
 *   told   the engine knows; the milliseconds after which it ends decide whether it has written that down
 * The operation goes no further than its moment. Others that run beside it and reach their point within HOLD milliseconds, MOST
 * of them, end with it. It writes the points that it ended at to the file KILLED.
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const { readFileSync, writeFileSync } = require('node:fs');

const HOLD = 1500;
const MOST = 3;

if (process.argv[1]?.endsWith('/cli/main.ts') && process.env.KILL_POINTS) watch(JSON.parse(readFileSync(process.env.KILL_POINTS, 'utf8')));

function watch(points) {
  const { Server } = require('@grpc/grpc-js');
  const current = new AsyncLocalStorage();
  const reached = [];

  const addService = Server.prototype.addService;
  Server.prototype.addService = function (service, handlers) {
    // Other services, such as that of the program, have none of these.
    const watched = ['create', 'update', 'delete'].filter((operation) => handlers[operation]).map((operation) => [operation, watchedHandler(operation, handlers[operation])]);
    return addService.call(this, service, watched.length ? { ...handlers, ...Object.fromEntries(watched) } : handlers);
  };

  function watchedHandler(operation, handler) {
    return (call, answer) => {
      const name = call.request.getUrn().split('::').at(-1);
      const point = call.request.getPreview?.() ? undefined : points.find((each) => each.operation === operation && each.name === name);
      if (!point) return handler(call, answer);
      if (point.moment === 'asked') return reach(point);
      current.run(point, () =>
        handler(call, (...answers) => {
          const failed = answers[0];
          if (!failed && point.moment !== 'told') return reach(point);
          answer(...answers);
          if (!failed) reach(point);
        }),
      );
    };
  }

  for (const protocol of [require('node:http'), require('node:https')]) {
    const { request } = protocol;
    protocol.request = function (...options) {
      const made = request.apply(this, options);
      const point = current.getStore();
      if (point?.moment !== 'sent' || !['POST', 'PUT', 'PATCH', 'DELETE'].includes(made.method) || isLogin(made)) return made;
      const { emit } = made;
      made.emit = function (event, ...values) {
        if (event !== 'response' || values[0].statusCode >= 300) return emit.call(this, event, ...values);
        reach(point);
        return true;
      };
      return made;
    };
  }

  function reach(point) {
    reached.push(point);
    setTimeout(end, point.moment === 'told' ? point.milliseconds : reached.length < MOST ? HOLD : 0);
  }

  function end() {
    writeFileSync(process.env.KILLED, JSON.stringify(reached));
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    const engines = reached[0].engineLives ? [] : children;
    for (const pid of engines.filter((each) => readFileSync(`/proc/${each}/comm`, 'utf8').trim() === 'pulumi')) process.kill(pid, 'SIGKILL');
    process.kill(process.pid, 'SIGKILL');
  }
}

/** Whoever works first on a server logs in before, and opens Vault, which is asked at the address of its pod. */
function isLogin(request) {
  return /\/openid-connect\/token$|\/serviceaccounts\/[^/]+\/token$|\/auth\/[^/]+\/login$/.test(request.path) || String(request.getHeader('host')).endsWith(':8200');
}
