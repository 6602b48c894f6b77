import { podWith } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer } from '../tree';

export const imageTag: Rule = {
  id: 'image-tag',
  title: 'Each image names its version: a tag that is not a moving one, or a digest',
  why: 'The same manifest would run other code tomorrow, and no reviewer sees it.',
  sources: ['Kyverno disallow-latest-tag', 'kube-linter latest-tag'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ image }) => {
    const named = /:([^/:@]+)(@|$)/.exec(image)?.[1];
    const fixed = /@sha256:[0-9a-f]{64}$/.test(image) || (named && !/^(latest|main|master|edge|nightly|stable|dev)$/.test(named));
    return !fixed && { path: 'image', got: image, fix: 'name the version' };
  }),
  examples: {
    pass: [[podWith({ image: 'a.example/b:1.2' })], [podWith({ image: `a.example/b@sha256:${'0'.repeat(64)}` })]],
    fail: [[podWith({ image: 'a.example/b' })], [podWith({ image: 'a.example/b:latest' })], [podWith({ image: 'a.example:5000/b' })]],
  },
};
