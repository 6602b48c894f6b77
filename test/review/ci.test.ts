import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const project = resolve(__dirname, '../..');
const read = (path: string) => parse(readFileSync(join(project, path), 'utf8')) as any;
const steps = (workflow: any): any[] => Object.values(workflow.jobs).flatMap((job: any) => job.steps);
const scripts = (workflow: any) => steps(workflow).flatMap(({ run }) => run ?? []).join('\n');

describe('the workflows of GitHub (their engine is not here: what they say is read, their scripts run in test/cli/diff.test.ts)', () => {
  const review = read('.github/workflows/review.yml');
  const comment = read('.github/workflows/review-comment.yml');

  test('the one that runs a pull request may read, and has no secret', () => {
    expect(review.on).toBe('pull_request');
    expect(review.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values<any>(review.jobs)) expect(job.permissions).toBeUndefined();
    expect(JSON.stringify(review)).not.toMatch(/secrets|github\.token|GITHUB_TOKEN/);
    expect(steps(review).find(({ uses }) => uses?.startsWith('actions/checkout')).with['persist-credentials']).toBe(false);
  });

  test('the one that comments runs on what the other has finished, with that right alone', () => {
    expect(comment.on).toEqual({ workflow_run: { workflows: [review.name], types: ['completed'] } });
    expect(comment.permissions).toEqual({});
    expect(Object.values<any>(comment.jobs).map(({ permissions }) => permissions)).toEqual([{ actions: 'read', contents: 'read', 'pull-requests': 'write' }]);
  });

  test('it never checks out the head, and only the step that posts has the token', () => {
    const checkouts = steps(comment).filter(({ uses }) => uses?.startsWith('actions/checkout'));
    expect(checkouts.map((step) => [step.with.ref, step.with['persist-credentials']])).toEqual([['${{ github.event.repository.default_branch }}', false]]);
    expect(scripts(comment)).not.toMatch(/git (fetch|checkout|switch|pull|clone)|gh pr|npm (ci|install|run)/);
    expect(steps(comment).filter(({ run, env }) => run && JSON.stringify(env ?? {}).includes('token'))).toEqual([expect.objectContaining({ name: 'Post it' })]);
  });

  test.each([['review', review], ['review-comment', comment]])('%s: no expression of an event stands in a shell script', (_, workflow) => {
    expect(scripts(workflow)).not.toContain('${{');
  });
});

describe('the pipeline of GitLab', () => {
  const pipeline = read('.gitlab-ci.yml');

  test('the job of a merge request names no token; the one that comments runs on the protected default branch alone', () => {
    expect(JSON.stringify(pipeline.review)).not.toMatch(/TOKEN/);
    expect(pipeline.review.rules).toEqual([{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }]);
    expect(pipeline.review.artifacts).toMatchObject({ when: 'always', paths: ['review/'] });
    for (const { if: condition } of pipeline.comment.rules) for (const part of ['"schedule"', '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', '$CI_COMMIT_REF_PROTECTED == "true"']) expect(condition).toContain(part);
  });
});

describe('the comment, with a server here standing in for the forge', () => {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-comment-'));
  const report = join(directory, 'comment.md');
  writeFileSync(report, '## What this change means\n');
  const calls: { method: string; url: string; body: any; token: unknown }[] = [];
  let answers: Record<string, unknown> = {};
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        const url = request.url!;
        calls.push({ method: request.method!, url, body: text ? JSON.parse(text) : undefined, token: request.headers.authorization ?? request.headers['private-token'] });
        response.end(JSON.stringify(answers[decodeURIComponent(url.split('?')[0]!)] ?? []));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => void calls.splice(0));

  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (env: Record<string, string>) =>
    new Promise<string>((done, fail) => execFile(process.execPath, [join(project, '.ci/comment.mjs'), report], { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => (error ? fail(new Error(stderr)) : done(stdout))));
  const gitHub = () => post({ GITHUB_API_URL: address(), GITHUB_REPOSITORY: 'org/lab', GITHUB_TOKEN: 'planted', HEAD_OWNER: 'fork', HEAD_BRANCH: 'a&b=c', HEAD_SHA: 'abc' });
  const gitLab = () => post({ CI_API_V4_URL: address(), CI_PROJECT_ID: '7', COMMENT_TOKEN: 'planted', MERGE_REQUEST_IID: '3' });
  const written = () => calls.filter(({ method }) => method !== 'GET');
  const mark = '<!-- datalab diff -->';

  test('GitHub: finds the pull request by what GitHub says of the run, and posts', async () => {
    answers = { '/repos/org/lab/pulls': [{ number: 4, head: { sha: 'other' } }, { number: 5, head: { sha: 'abc' } }], '/repos/org/lab/pulls/5/files': [{ filename: 'docs/a.md' }] };
    expect(await gitHub()).toBe('posted: pull request 5\n');
    expect(calls[0]!.url).toContain('head=fork%3Aa%26b%3Dc');
    expect(written()).toEqual([{ method: 'POST', url: '/repos/org/lab/issues/5/comments', body: { body: expect.stringMatching(/^<!-- datalab diff -->\n\n## What/) }, token: 'Bearer planted' }]);
  });

  test('GitHub: edits its own comment, not that of somebody who copied its mark, and says when the change touches what makes the report', async () => {
    const stranger = { id: 1, body: mark, user: { type: 'User', login: 'mallory' } };
    const own = { id: 2, body: `${mark} old`, user: { type: 'Bot', login: 'github-actions[bot]' } };
    answers = { '/repos/org/lab/pulls': [{ number: 5, head: { sha: 'abc' } }], '/repos/org/lab/pulls/5/files': [{ filename: '.github/workflows/review.yml' }], '/repos/org/lab/issues/5/comments': [stranger, own] };
    expect(await gitHub()).toBe('edited: pull request 5\n');
    expect(written()).toEqual([expect.objectContaining({ method: 'PATCH', url: '/repos/org/lab/issues/comments/2' })]);
    expect(written()[0]!.body.body).toContain('This change touches 1 of the files that make this report');
  });

  test('GitHub: a branch that moved on, or no pull request, gets nothing', async () => {
    answers = { '/repos/org/lab/pulls': [{ number: 4, head: { sha: 'newer' } }] };
    expect(await gitHub()).toBe('');
    expect(written()).toEqual([]);
  });

  test('GitLab: posts, then edits its own note', async () => {
    answers = { '/user': { id: 9 }, '/projects/7/merge_requests/3/notes': [{ id: 1, body: mark, author: { id: 8 } }], '/projects/7/merge_requests/3/diffs': [{ old_path: 'a', new_path: 'review/diff.ts' }] };
    expect(await gitLab()).toBe('posted: merge request 3\n');
    answers = { ...answers, '/projects/7/merge_requests/3/notes': [{ id: 2, body: mark, author: { id: 9 } }] };
    expect(await gitLab()).toBe('edited: merge request 3\n');
    expect(written().map(({ method, url, token }) => [method, url, token])).toEqual([['POST', '/projects/7/merge_requests/3/notes', 'planted'], ['PUT', '/projects/7/merge_requests/3/notes/2', 'planted']]);
    expect(written()[0]!.body.body).toContain('review');
  });

  test('the longest report still fits with the warning before it', async () => {
    writeFileSync(report, 'x'.repeat(65_536));
    answers = { '/repos/org/lab/pulls': [{ number: 5, head: { sha: 'abc' } }] };
    await gitHub();
    expect(written()[0]!.body.body.length).toBeLessThanOrEqual(65_536);
  });
});
