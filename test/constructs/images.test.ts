import { images } from '../../constructs/images';

test.each(Object.entries(images))('%s names its registry, and a version that does not move', (_, { repository, tag }) => {
  expect(repository).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+\/[a-z0-9._/-]+$/);
  expect(repository).not.toContain(':');
  expect(tag).toMatch(/\d+\.\d+|^RELEASE\.\d{4}-\d{2}-\d{2}T/);
});
