declare module "*.conf" {
  const text: string;
  export default text;
}
declare module "*.local" {
  const text: string;
  export default text;
}
declare module "*.path" {
  const text: string;
  export default text;
}
declare module "*.service" {
  const text: string;
  export default text;
}
declare module "*.timer" {
  const text: string;
  export default text;
}
