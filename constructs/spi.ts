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

/** Pods behind some paths of a host. */
export interface Backend {
  readonly workload: Workload;
  /** Name of the workload's port that serves plain HTTP. */
  readonly port: string;
  /** Path prefixes that are reachable from outside. @default ['/'] */
  readonly paths?: readonly string[];
}

export interface RouteProps extends Backend {
  readonly host: string;
  /** Other workloads of the same system behind the host; the longest prefix wins. @default none */
  readonly others?: readonly Backend[];
}

/** The way in from outside the cluster. */
export interface Routes {
  /** Opens `host` for a workload: route, certificate, and the edge from the gateway. Returns the URL. */
  route(props: RouteProps): string;
}

export interface ClientProps {
  /** Where people may be sent after login: exact URLs, no wildcard. */
  readonly redirectUris: readonly string[];
  /** Servers that accept the client's access tokens: their `aud`. */
  readonly audiences: readonly string[];
  /** Tokens name what the person may reach in S3 and Vault in the claim `policy`. */
  readonly policyClaim: boolean;
}

export interface Client {
  readonly clientId: string;
}

/** Who people are. */
export interface Identity {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** Lets the pods of `workload` read the keys that sign its tokens. Returns the URL of the discovery document inside the cluster. */
  grantDiscovery(workload: Workload): string;
  /** The same, for a server that wants the keys themselves. Returns the URL of the key set inside the cluster. */
  grantKeys(workload: Workload): string;
  /** A public client with authorisation code and PKCE; there is no secret. */
  client(name: string, props: ClientProps): Client;
}

/** Storage with the S3 interface. */
export interface ObjectStore {
  /** A bucket of its own for one purpose, versioned. Its name is a contract: another name is another bucket. */
  bucket(name: string): Bucket;
}

export interface Bucket {
  /** Lets the pods of `workload` read and write objects with their service-account token, and nothing else. */
  grantReadWrite(workload: Workload): void;
  /** Lets them list and read. */
  grantRead(workload: Workload): void;
}

/** Secrets by path. */
export interface SecretStore {
  /** A path of its own for one purpose. Its name is a contract: another name is other secrets. */
  secretPath(name: string): SecretPath;
}

export interface SecretPath {
  /** Lets the pods of `workload` log in with their service-account token, and list, read and write the secrets below the path. */
  grantReadWrite(workload: Workload): void;
  /** Lets them list and read. */
  grantRead(workload: Workload): void;
}
