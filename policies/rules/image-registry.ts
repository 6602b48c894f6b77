import { podWith } from '../examples';
import type { Rule } from '../rule';
import { eachContainer } from '../tree';

/** Registries that anybody may publish to. */
const open = /^(docker\.io|index\.docker\.io|quay\.io|ghcr\.io|gcr\.io|registry\.k8s\.io|k8s\.gcr\.io|public\.ecr\.aws|nvcr\.io|mcr\.microsoft\.com|registry\.gitlab\.com)$/;

export const imageRegistry: Rule = {
  id: 'image-registry',
  title: "Images come from the instance's own registry",
  why: 'What the security office has not seen runs next to confidential data, and the cluster depends on the internet.',
  sources: ['Kyverno restrict-image-registries', 'Gatekeeper allowedreposv2', 'C-0078', 'StatCan KUBE-IMG-02'],
  severity: 'high',
  mandatory: ['confidential'],
  check: eachContainer(({ image }) => {
    const registry = registryOf(image);
    return (!registry || open.test(registry)) && { path: 'image', got: image, fix: "set the region's images.registry, or mirror it there" };
  }),
  admission: { by: "`datalab-pods`: exactly the region's registry where there is no internet" },
  examples: { pass: [[podWith({ image: 'registry.example.org/tools/app:1' })]], fail: [[podWith({ image: 'docker.io/library/app:1' })], [podWith({ image: 'app:1' })], [podWith({ image: 'library/app:1' })]] },
};

/** The registry that an image reference names; without one it is Docker Hub's. */
function registryOf(image: string): string | undefined {
  const [first, ...rest] = image.split('/');
  return rest.length && /[.:]|^localhost$/.test(first!) ? first : undefined;
}
