import { relative } from 'node:path';
import { isRoot, type Identity } from './identity';

/** What stands at a path of a container. */
export interface Mount {
  /** Absolute path in the container. */
  readonly path: string;
  /** File or directory of this computer. */
  readonly from: string;
  readonly readOnly: boolean;
}

export interface Layout {
  readonly mounts: readonly Mount[];
  /** Empty directories that belong to the user, and are gone at the next start. */
  readonly scratch: readonly string[];
  readonly hostname: string;
  readonly workingDirectory: string;
  readonly readOnlyRoot: boolean;
  readonly identity: Identity;
}

/** Parts of the computer's /etc that programs need and that hold nothing secret. */
const sharedEtc = [
  'alternatives', 'ca-certificates', 'crypto-policies', 'debian_version', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime',
  'mime.types', 'os-release', 'pki', 'protocols', 'services', 'ssl', 'timezone',
];

/** Namespaces of a container: mounts, processes and host name are its own; a person also needs a user namespace. */
export function unshareFlags({ uid, gid }: Identity): string[] {
  const own = ['--mount', '--pid', '--fork', '--uts'];
  return isRoot ? own : [...own, '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--keep-caps'];
}

/** Becomes the manifest's user, without capabilities or a way to get any. */
export function dropPrivileges({ uid, gid, groups }: Identity): string[] {
  const drop = ['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'];
  if (!isRoot) return [...drop, '--ambient-caps=-all', '--'];
  return [...drop, `--reuid=${uid}`, `--regid=${gid}`, groups.length ? `--groups=${groups.join(',')}` : '--clear-groups', '--'];
}

/**
 * The shell script that, in fresh namespaces, builds the container's file system and becomes its program. Arguments:
 * an empty directory, then the program's own. The root is a new tmpfs with the computer's programs bound read-only.
 * What goes wrong before the program starts is written to the file descriptor 4. Runs in `directory`, whose path it does not hold.
 */
export function sandboxScript(layout: Layout, directory: string): string {
  const { mounts, scratch, hostname, workingDirectory, readOnlyRoot, identity } = layout;
  const ordered = [...mounts].sort((a, b) => (a.path < b.path ? -1 : 1));
  return `set -eu
exec 3>&2 2>&4
path=\${PATH-/usr/bin:/bin}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1
shift
place() {
  if [ -d "$1" ]; then mkdir -p "$root$2"
  else mkdir -p "$root\${2%/*}"; [ -e "$root$2" ] || : > "$root$2"; fi
}
writable() { place "$1" "$2"; mount --rbind "$1" "$root$2"; }
seal() {
  flags=$(findmnt -nro VFS-OPTIONS --target "$root$1" | tail -n 1)
  mount -o "remount,bind,ro,\${flags#r[ow]}" "$root$1"
}
readonly_() { writable "$1" "$2"; seal "$2"; }
mount -t tmpfs -o mode=755 container "$root"
for each in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$each" ]; then cp -P "/$each" "$root/$each"; elif [ -d "/$each" ]; then readonly_ "/$each" "/$each"; fi
done
readonly_ /usr /usr
mkdir -p "$root/etc" "$root/proc" "$root/dev/shm" "$root/run" "$root/var/tmp" "$root/tmp" "$root/opt"
ln -s ../run "$root/var/run"
chmod 1777 "$root/tmp" "$root/var/tmp"
for each in ${sharedEtc.join(' ')} /etc/java*; do
  each=/etc/\${each#/etc/}
  if [ -L "$each" ]; then cp -P "$each" "$root$each"; elif [ -e "$each" ]; then readonly_ "$each" "$each"; fi
done
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
for each in null zero full random urandom; do writable "/dev/$each" "/dev/$each"; done
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for each in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/\${each#*:}" "$root/dev/\${each%:*}"; done
hostname ${quoted(hostname)}
${ordered.map(({ path, from, readOnly }) => `${readOnly ? 'readonly_' : 'writable'} ${quoted(from.startsWith(`${directory}/`) ? relative(directory, from) : from)} ${quoted(path)}`).join('\n')}
${scratch.map((path) => `place . ${quoted(path)}; mount -t tmpfs -o mode=755,uid=${identity.uid},gid=${identity.gid} scratch "$root"${quoted(path)}`).join('\n')}
mkdir -p "$root"${quoted(workingDirectory)} 2>/dev/null || :
${readOnlyRoot ? 'seal ""' : `chown ${identity.uid}:${identity.gid} "$root" 2>/dev/null || :`}
exec 2>&3 3>&- 4>&-
exec chroot "$root" /usr/bin/env -C ${quoted(workingDirectory)} PATH="$path" /usr/bin/${dropPrivileges(identity).join(' ')} "$@"
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
