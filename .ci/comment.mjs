#!/usr/bin/env node
// Posts a file as one comment on a pull request of GitHub or a merge request of GitLab, and edits it from then on:
//   node .ci/comment.mjs FILE
// GitHub: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN, and HEAD_OWNER, HEAD_BRANCH, HEAD_SHA of the run, which only GitHub sets.
// GitLab: CI_API_V4_URL, CI_PROJECT_ID, COMMENT_TOKEN, MERGE_REQUEST_IID.
import { readFileSync } from 'node:fs';

const marker = '<!-- datalab diff -->';
const { env } = process;

/** What lies in the hands of a change and could make its own report say less. */
const makers = /^(\.github\/|\.gitlab-ci\.yml$|\.ci\/|review\/|constructs\/(objects|compose|platform)\.ts$|package(-lock)?\.json$)/;

async function call(method, url, headers, body) {
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json', ...headers }, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname} answered ${response.status}`);
  return response.json();
}

/** Every page of a list, at most thirty. */
async function all(url, headers) {
  const found = [];
  for (let page = 1; page <= 30; page++) {
    const some = await call('GET', `${url}${url.includes('?') ? '&' : '?'}per_page=100&page=${page}`, headers);
    found.push(...some);
    if (some.length < 100) break;
  }
  return found;
}

function bodyOf(report, changed) {
  const own = changed.filter((path) => makers.test(path)).length;
  const warning = own ? `\n> **This change touches ${own} of the files that make this report or run it (.github, .gitlab-ci.yml, .ci, review, packages): read those first.**\n` : '';
  return `${marker}\n${warning}\n${report}`.slice(0, 65_536);
}

async function onGitHub(report) {
  const headers = { authorization: `Bearer ${env.GITHUB_TOKEN}`, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
  const repository = `${env.GITHUB_API_URL ?? 'https://api.github.com'}/repos/${env.GITHUB_REPOSITORY}`;
  const open = await all(`${repository}/pulls?state=open&head=${encodeURIComponent(`${env.HEAD_OWNER}:${env.HEAD_BRANCH}`)}`, headers);
  for (const { number } of open.filter(({ head }) => head.sha === env.HEAD_SHA)) {
    const changed = (await all(`${repository}/pulls/${number}/files`, headers)).map(({ filename }) => filename);
    const earlier = (await all(`${repository}/issues/${number}/comments`, headers)).find(({ body, user }) => user?.type === 'Bot' && user.login === 'github-actions[bot]' && body?.startsWith(marker));
    const body = bodyOf(report, changed);
    if (earlier) await call('PATCH', `${repository}/issues/comments/${earlier.id}`, headers, { body });
    else await call('POST', `${repository}/issues/${number}/comments`, headers, { body });
    console.log(`${earlier ? 'edited' : 'posted'}: pull request ${number}`);
  }
}

async function onGitLab(report) {
  const headers = { 'private-token': env.COMMENT_TOKEN };
  const request = `${env.CI_API_V4_URL}/projects/${env.CI_PROJECT_ID}/merge_requests/${env.MERGE_REQUEST_IID}`;
  const me = await call('GET', `${env.CI_API_V4_URL}/user`, headers);
  const changed = (await all(`${request}/diffs`, headers)).flatMap(({ old_path: old, new_path: fresh }) => [...new Set([old, fresh])]);
  const earlier = (await all(`${request}/notes`, headers)).find(({ body, author }) => author?.id === me.id && body?.startsWith(marker));
  const body = bodyOf(report, changed);
  if (earlier) await call('PUT', `${request}/notes/${earlier.id}`, headers, { body });
  else await call('POST', `${request}/notes`, headers, { body });
  console.log(`${earlier ? 'edited' : 'posted'}: merge request ${env.MERGE_REQUEST_IID}`);
}

const report = readFileSync(process.argv[2], 'utf8');
await (env.GITHUB_REPOSITORY ? onGitHub : onGitLab)(report);
