package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.ShutdownSignalException;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/** Connections and channels of the client that answer as a test requires. */
final class ClientFakes {

  /** The answer to a call. */
  interface Call {
    @Nullable Object call(String name, Object[] arguments) throws Throwable;
  }

  private ClientFakes() {}

  static <T> T of(Class<T> type, Call call) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call.call(method.getName(), arguments)));
  }

  /** {@return the client's report that the broker has closed a channel} */
  static ShutdownSignalException closed(int code, String text) {
    AMQP.Channel.Close close =
        new AMQP.Channel.Close.Builder()
            .replyCode(code)
            .replyText(text)
            .classId(50)
            .methodId(10)
            .build();
    return new ShutdownSignalException(false, false, close, null);
  }
}
