import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { Stack } from '../model/stack';

/** Folder of the login theme below Keycloak's themes, as volume items: path to file. */
export const themeItems = {
  'theme.properties': 'login/theme.properties',
  'brand.css': 'login/resources/css/brand.css',
  'logo.svg': 'login/resources/img/logo.svg',
} as const;

/** The instance's brand as a login theme: Keycloak's own with our colours and logo on top. */
export class KeycloakTheme extends k8s.KubeConfigMap {
  constructor(scope: Construct, id: string, namespace: string, stack: Stack) {
    super(scope, id, {
      metadata: { name: 'theme', namespace },
      data: {
        'theme.properties': 'parent=keycloak.v2\nimport=common/keycloak\nstyles=css/styles.css css/brand.css\n',
        'brand.css': styles(stack),
        'logo.svg': stack.logo,
      },
    });
  }
}

function styles({ instance }: Stack): string {
  const { primary, onPrimary, background } = instance.brand.colours;
  return `.login-pf body { background: ${background}; }
#kc-header #kc-header-wrapper, div#kc-header-wrapper { color: ${primary} !important; }
.login-pf .pf-v5-c-login__main { border-top-color: ${primary} !important; }
#kc-header-wrapper::before {
  content: "";
  display: block;
  height: 4rem;
  margin-bottom: 1rem;
  background: url(../img/logo.svg) center / contain no-repeat;
}
.pf-v5-c-button.pf-m-primary {
  --pf-v5-c-button--m-primary--BackgroundColor: ${primary};
  --pf-v5-c-button--m-primary--hover--BackgroundColor: ${primary};
  --pf-v5-c-button--m-primary--Color: ${onPrimary};
}
`;
}
