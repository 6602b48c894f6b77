import type { SecretKey } from './secrets';
import type { Workload } from './workload';

/** Where a granted database is, and how to log in. */
export interface DatabaseConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: SecretKey;
}

/** A server of SQL databases. */
export interface SqlDatabase {
  /** A database of its own for one consumer. Its name is a contract: another name is another database. */
  database(name: string): Database;
}

export interface Database {
  /**
   * Makes `workload` the owner: role, database and password exist before it starts, it may connect, and so may nobody else.
   * A database has one owner. @throws Error when it has one already.
   */
  grantOwner(workload: Workload): DatabaseConnection;
}

export interface RouteProps {
  readonly host: string;
  readonly workload: Workload;
  /** Name of the workload's port that serves plain HTTP. */
  readonly port: string;
  /** Path prefixes that are reachable from outside. @default ['/'] */
  readonly paths?: readonly string[];
}

/** The way in from outside the cluster. */
export interface Routes {
  /** Opens `host` for a workload: route, certificate, and the edge from the gateway. Returns the URL. */
  route(props: RouteProps): string;
}
