export interface Project {
  readonly name: string;
  readonly root: string;
  readonly tags: readonly string[];
  readonly type: string;
  readonly scope: string;
}
export const types: readonly string[];
export function readProjects(workspace: string): Project[];
