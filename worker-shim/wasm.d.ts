// Modules are compiled when the Worker is deployed, never from bytes at run time.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
