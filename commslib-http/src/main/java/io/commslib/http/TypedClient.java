package io.commslib.http;

import io.commslib.core.call.Idempotency;
import io.commslib.core.checks.Checks;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Implements the interface of a typed client: each method is one call of the service. */
final class TypedClient implements InvocationHandler {

  private static final int NO_KEY = -1;

  /** A method, understood once. */
  private record Operation(
      String method,
      String template,
      Idempotency idempotency,
      int variables,
      boolean hasBody,
      int keyAt,
      Class<?> result,
      boolean isOptional) {}

  private final HttpService service;
  private final Class<?> type;
  private final Map<Method, Operation> operations;

  private TypedClient(HttpService service, Class<?> type, Map<Method, Operation> operations) {
    this.service = service;
    this.type = type;
    this.operations = operations;
  }

  static <T> T create(HttpService service, Class<T> type) {
    Checks.check(type.isInterface(), "client", type.getName(), "an interface");
    Map<Method, Operation> operations = new HashMap<>();
    for (Method method : type.getMethods()) {
      if (!method.isDefault() && !Modifier.isStatic(method.getModifiers())) {
        operations.put(method, operation(service, type, method));
      }
    }
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            new TypedClient(service, type, operations)));
  }

  private static Operation operation(HttpService service, Class<?> type, Method method) {
    String name = type.getSimpleName() + "." + method.getName();
    HttpCall call = method.getAnnotation(HttpCall.class);
    Checks.check(call != null, name, "no @HttpCall", "each method has one");
    String[] words = call == null ? new String[0] : call.value().split(" ", 2);
    Checks.check(words.length == 2, name, String.join(" ", words), "METHOD /template");
    HttpMethods.check(words[0]);
    int variables = UriTemplate.parse(words[1]).variables().size();
    Idempotency effect = idempotency(name, call, words[0]);
    int keyAt = keyAt(name, method, effect);
    int parameters = method.getParameterCount() - (keyAt == NO_KEY ? 0 : 1);
    Checks.check(
        parameters == variables || parameters == variables + 1,
        name,
        parameters + " parameters",
        variables + " for the variables of the template, and one more for a body");
    boolean hasBody = parameters == variables + 1;
    Type generic = method.getGenericReturnType();
    boolean isOptional = method.getReturnType() == Optional.class;
    Class<?> result = isOptional ? argument(name, generic) : method.getReturnType();
    // A codec is given a class, so a List<Price> would be filled with other elements.
    Checks.check(
        isOptional || (generic instanceof Class<?> && (isVoid(result) || !result.isPrimitive())),
        name,
        generic.getTypeName(),
        "a class without type parameters, such as an array, and no primitive type");
    Checks.check(
        isVoid(result) || result == HttpReply.class || service.codec() != null,
        name,
        result.getSimpleName(),
        "void or HttpReply without HttpService.Builder.codec");
    Checks.check(!hasBody || service.codec() != null, name, "a body", "a codec of the service");
    return new Operation(words[0], words[1], effect, variables, hasBody, keyAt, result, isOptional);
  }

  private static Idempotency idempotency(String name, @Nullable HttpCall call, String method) {
    Idempotency[] declared = call == null ? new Idempotency[0] : call.idempotency();
    Checks.check(declared.length <= 1, name, declared.length + " idempotencies", "none or one");
    Idempotency effect = declared.length == 1 ? declared[0] : HttpMethods.idempotency(method);
    Checks.check(
        effect != Idempotency.NON_IDEMPOTENT || !HttpMethods.isResentByTheClient(method),
        name,
        effect,
        "SAFE, IDEMPOTENT or KEYED for " + method);
    return effect;
  }

  /** The index of the parameter with the key. */
  private static int keyAt(String name, Method method, Idempotency effect) {
    int at = NO_KEY;
    Parameter[] parameters = method.getParameters();
    for (int i = 0; i < parameters.length; i++) {
      if (parameters[i].isAnnotationPresent(CallKey.class)) {
        Checks.check(at == NO_KEY, name, "two @CallKey", "at most one");
        Class<?> type = parameters[i].getType();
        Checks.check(type == String.class, name, "@CallKey " + type.getSimpleName(), "String");
        Checks.check(effect == Idempotency.KEYED, name, effect, "KEYED for @CallKey");
        at = i;
      }
    }
    return at;
  }

  private static Class<?> argument(String name, Type generic) {
    Type argument =
        generic instanceof ParameterizedType parameterized
            ? parameterized.getActualTypeArguments()[0]
            : Object.class;
    Checks.check(
        argument instanceof Class<?> given && given != Object.class,
        name,
        generic.getTypeName(),
        "Optional of a class");
    return (Class<?>) argument;
  }

  private static boolean isVoid(Class<?> type) {
    return type == void.class || type == Void.class;
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
      throws Throwable {
    Object[] all = arguments == null ? new Object[0] : arguments;
    Operation operation = operations.get(method);
    if (operation == null) {
      return method.getDeclaringClass() == Object.class
          ? ofObject(proxy, method, all)
          : ofDefault(proxy, method, all);
    }
    int keyAt = operation.keyAt();
    Object[] given = keyAt == NO_KEY ? all : without(all, keyAt);
    ServiceCall call =
        service
            .call(
                operation.method(),
                operation.template(),
                Arrays.copyOf(given, operation.variables()))
            .idempotency(operation.idempotency());
    if (keyAt != NO_KEY) {
      call.key((String) Objects.requireNonNull(all[keyAt], "idempotencyKey"));
    }
    if (operation.hasBody()) {
      call.body(given[operation.variables()]);
    }
    Class<?> result = operation.result();
    if (isVoid(result)) {
      call.send();
      return null;
    }
    if (operation.isOptional()) {
      return call.find(result);
    }
    return result == HttpReply.class ? call.reply() : call.as(result);
  }

  private static Object[] without(Object[] all, int index) {
    Object[] others = new Object[all.length - 1];
    System.arraycopy(all, 0, others, 0, index);
    System.arraycopy(all, index + 1, others, index, others.length - index);
    return others;
  }

  private static @Nullable Object ofDefault(Object proxy, Method method, Object[] arguments)
      throws Throwable {
    Class<?> owner = method.getDeclaringClass();
    return MethodHandles.privateLookupIn(owner, MethodHandles.lookup())
        .unreflectSpecial(method, owner)
        .bindTo(proxy)
        .invokeWithArguments(arguments);
  }

  private Object ofObject(Object proxy, Method method, Object[] arguments) {
    return switch (method.getName()) {
      case "equals" -> proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> type.getSimpleName() + " of " + service;
    };
  }
}
