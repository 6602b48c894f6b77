import { spawn } from 'node:child_process';
import * as grpc from '@grpc/grpc-js';

/* eslint-disable @typescript-eslint/no-require-imports -- the generated protocol files have no types for the services */
const services = require('@pulumi/pulumi/proto/language_grpc_pb');
const messages = require('@pulumi/pulumi/proto/language_pb');
const plugins = require('@pulumi/pulumi/proto/plugin_pb');
/* eslint-enable */

type Reply = (error: Error | null, message?: unknown) => void;

/**
 * A stand-in for Pulumi's own language host, a Go program that comes with the Pulumi release: runs a program with
 * Pulumi's runner as the real one does. Started by the engine as `pulumi-language-nodejs ENGINE`; prints its port.
 */
const server = new grpc.Server();
server.addService(services.LanguageRuntimeService, {
  handshake: (_call: unknown, reply: Reply) => reply(null, new messages.LanguageHandshakeResponse()),
  getPluginInfo: (_call: unknown, reply: Reply) => {
    const info = new plugins.PluginInfo();
    info.setVersion('0.0.0');
    reply(null, info);
  },
  getRequiredPackages: (_call: unknown, reply: Reply) => reply(null, new messages.GetRequiredPackagesResponse()),
  getRequiredPlugins: (_call: unknown, reply: Reply) => reply(null, new messages.GetRequiredPluginsResponse()),
  run: (call: { request: any }, reply: Reply) => {
    const request = call.request;
    const options = request.getInfo().getOptions().toJavaScript() as { nodeargs?: string };
    const args = [
      ...(options.nodeargs ?? '').split(' ').filter(Boolean),
      require.resolve('@pulumi/pulumi/cmd/run'),
      '--monitor', request.getMonitorAddress(),
      '--engine', process.argv[2]!,
      '--organization', request.getOrganization(),
      '--project', request.getProject(),
      '--root-directory', request.getInfo().getRootDirectory(),
      '--stack', request.getStack(),
      '--pwd', request.getInfo().getProgramDirectory(),
      ...(request.getDryrun() ? ['--dry-run'] : []),
      '--parallel', String(request.getParallel()),
      request.getInfo().getEntryPoint(),
    ];
    const env = {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: 'false',
    };
    const child = spawn(process.execPath, args, { cwd: request.getInfo().getProgramDirectory(), env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('close', (code) => {
      const response = new messages.RunResponse();
      if (code === 32) response.setBail(true);
      else if (code !== 0) response.setError(`the program ended with ${code}: ${output}`);
      reply(null, response);
    });
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
