#!/usr/bin/env node
// For a scheduled pipeline of the default branch of GitLab: makes the report of each open merge request from what its job `review` kept, with
// the code that stands here, and posts it. Runs nothing of a merge request. CI_API_V4_URL, CI_PROJECT_ID, CI_DEFAULT_BRANCH, COMMENT_TOKEN.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ci = dirname(fileURLToPath(import.meta.url));
const { CI_API_V4_URL: api, CI_PROJECT_ID: project, CI_DEFAULT_BRANCH: branch, COMMENT_TOKEN: token, ...env } = process.env;
const headers = { 'private-token': token };
const limits = { 'rendered.json': 32 * 2 ** 20, base: 64 };

async function get(path) {
  const response = await fetch(`${api}${path}`, { headers });
  if (!response.ok) throw new Error(`GET ${path.replace(/\?.*/, '')} answered ${response.status}`);
  return response;
}

/** At most so many bytes: what is longer is not read. */
async function bytes(response, most) {
  const parts = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > most) throw new Error(`more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const open = await (await get(`/projects/${project}/merge_requests?state=opened&target_branch=${encodeURIComponent(branch)}&per_page=100`)).json();
for (const { iid } of open) {
  try {
    const { head_pipeline: pipeline, sha } = await (await get(`/projects/${project}/merge_requests/${iid}`)).json();
    if (!pipeline || pipeline.sha !== sha) continue;
    const jobs = await (await get(`/projects/${pipeline.project_id}/pipelines/${pipeline.id}/jobs?per_page=100`)).json();
    const job = jobs.find(({ name, finished_at: finished }) => name === 'review' && finished);
    if (!job) continue;
    const directory = mkdtempSync(join(tmpdir(), 'datalab-comment-'));
    for (const [name, most] of Object.entries(limits)) {
      const kept = await get(`/projects/${pipeline.project_id}/jobs/${job.id}/artifacts/review/${name}`).catch(() => undefined);
      if (kept) writeFileSync(join(directory, name), await bytes(kept, most));
    }
    // What renders gets no token.
    execFileSync(join(ci, 'report'), [directory, join(directory, 'comment.md')], { stdio: 'inherit', env });
    execFileSync(process.execPath, [join(ci, 'comment.mjs'), join(directory, 'comment.md')], {
      stdio: 'inherit', env: { PATH: env.PATH, CI_API_V4_URL: api, CI_PROJECT_ID: project, COMMENT_TOKEN: token, MERGE_REQUEST_IID: String(iid) },
    });
  } catch (error) {
    console.error(`merge request ${iid}: ${error.message}`);
    process.exitCode = 1;
  }
}
