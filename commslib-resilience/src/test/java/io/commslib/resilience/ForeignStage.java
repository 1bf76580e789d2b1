package io.commslib.resilience;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;

/** Stages that break the rules of the JDK's. */
final class ForeignStage {

  private ForeignStage() {}

  /** A stage that calls its listener once for each answer; without answers it refuses it. */
  static CompletionStage<String> ending(List<String> answers) {
    return stage(
        (proxy, method, arguments) -> {
          if (!method.getName().equals("whenComplete") || answers.isEmpty()) {
            throw new UnsupportedOperationException("no listeners");
          }
          for (String answer : answers) {
            listener(arguments[0]).accept(answer, null);
          }
          return proxy;
        });
  }

  /** A stage that never ends and can't be cancelled. */
  static CompletionStage<String> silent() {
    return stage(
        (proxy, method, arguments) -> {
          if (!method.getName().equals("whenComplete")) {
            throw new UnsupportedOperationException("no futures");
          }
          return proxy;
        });
  }

  @SuppressWarnings("unchecked")
  private static BiConsumer<Object, Object> listener(Object argument) {
    return (BiConsumer<Object, Object>) argument;
  }

  @SuppressWarnings("unchecked")
  private static CompletionStage<String> stage(InvocationHandler handler) {
    return (CompletionStage<String>)
        Proxy.newProxyInstance(
            ForeignStage.class.getClassLoader(), new Class<?>[] {CompletionStage.class}, handler);
  }
}
