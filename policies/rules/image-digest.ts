import { podWith } from '../examples';
import type { Rule } from '../rule';
import { eachContainer } from '../tree';

export const imageDigest: Rule = {
  id: 'image-digest',
  title: 'Each image is locked to a digest',
  why: 'Whoever can write to the registry can move a tag, and the next restart runs it.',
  sources: ['Kyverno require-image-checksum', 'Gatekeeper imagedigests', 'StatCan KUBE-IMG-01'],
  severity: 'medium',
  mandatory: ['confidential'],
  check: eachContainer(({ image }) => !/@sha256:[0-9a-f]{64}$/.test(image) && { path: 'image', got: image, fix: "add its digest to the region's images.digests" }),
  examples: { pass: [[podWith({ image: `a.example/b:1@sha256:${'0'.repeat(64)}` })]], fail: [[podWith({ image: 'a.example/b:1' })], [podWith({ image: 'a.example/b@sha256:0' })]] },
};
