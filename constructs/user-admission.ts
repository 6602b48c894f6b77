import { Construct } from 'constructs';
import { Platform } from './platform';
import { RuleAdmissions } from './rule-admissions';
import { UserAccess } from './user-access';
import { UserFence, UserRouteRights } from './user-fence';
import { UserRoutes } from './user-routes';
import { UserWorkloads } from './user-workloads';

/**
 * Keeps people, who are `admin` of their namespaces, inside them. It holds in every namespace with the label `onyxia_owner`,
 * whoever made it. What stops which attempt: docs/user-isolation.md.
 */
export class UserAdmission extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const platform = Platform.of(this);
    new UserFence(this, 'fence', platform);
    new UserAccess(this, 'access', platform);
    new UserWorkloads(this, 'workloads', platform);
    new UserRoutes(this, 'routes', platform);
    new RuleAdmissions(this, 'rules', platform);
    if (platform.region.exposure.via === 'gateway') new UserRouteRights(this, 'route-rights');
  }
}
